/** @file Rollouts made from samples, and what a step's rollouts look like in the run folder. */
import { extname } from "node:path";
import { boxLines, chainOf } from "./chain/chain-of.ts";
import { groundingIoU } from "./evaluation/metrics.ts";
import { mean } from "./evaluation/statistics.ts";
import type { Processor } from "./prompt/prompt.ts";
import { type Completion, isScored, type Prompt, type Rollout, type Sample, type Score } from "./records.ts";
import { type Reward, scoreAll } from "./rewards/define.ts";
import type { RunFolder } from "./run/run-folder.ts";

/** Parses and scores the completions of each sample's prompt: [sample][completion]. */
export async function rolloutGroups(
  processor: Processor,
  rewards: readonly Reward[],
  samples: readonly Sample[],
  prompts: readonly Prompt[],
  completions: readonly (readonly Completion[])[],
): Promise<Rollout[][]> {
  return Promise.all(
    samples.map((sample, i) =>
      Promise.all(
        completions[i]!.map(async (completion) => {
          const prompt = prompts[i]!;
          const chain = chainOf(processor, prompt, completion.text);
          return { sample, prompt, completion, chain, scores: await scoreAll(rewards, { sample, chain, completion }) };
        }),
      ),
    ),
  );
}

/** Writes every chain of a step, and the images they speak of. */
export function writeRollouts(
  run: RunFolder,
  step: number,
  groups: readonly (readonly Rollout[])[],
  advantages: readonly (readonly number[])[],
): void {
  const lines = groups.flatMap((group, g) =>
    group.map(({ sample, prompt, completion, chain, scores }, k) => ({
      step,
      group: g,
      id: sample.id,
      dataset: sample.dataset,
      image: keepImage(run, prompt.images[0]!.sha256, sample.image),
      width: sample.width,
      height: sample.height,
      question: sample.question,
      answer: sample.answer,
      text: completion.text,
      ids: completion.ids,
      boxes: boxLines(chain),
      terms: scores.terms,
      total: scores.total,
      advantage: advantages[g]![k]!,
      ending: completion.ending,
    })),
  );
  run.writeRollouts(step, lines);
}

/** Keeps an image file in the run folder under its hash; its path there. */
export function keepImage(run: RunFolder, sha256: string, file: string): string {
  return run.saveImage(sha256, file, extname(file).slice(1).toLowerCase() || "img");
}

/** What a step's rollouts amount to: the part of its metrics line that needs no gradient. */
export function rolloutMetrics(groups: readonly (readonly Rollout[])[]) {
  const rollouts = groups.flat();
  const totals = rollouts.map(({ scores }) => scores.total).filter(isScored);
  const names = Object.keys(rollouts[0]?.scores.terms ?? {});
  const scored = (name: string) =>
    rollouts.map(({ scores }) => scores.terms[name]).filter((s): s is number => s !== undefined && isScored(s));
  const boxes = rollouts.flatMap(({ chain }) => chain.boxes);
  const share = (flaw: "duplicate" | "degenerate" | "outOfBounds") => average(boxes.map((box) => Number(box[flaw])));
  const lengths = rollouts.map(({ completion }) => completion.ids.length);
  const ious = rollouts
    .map(({ sample, chain }) => groundingIoU(sample, chain, "rescaled"))
    .filter((iou) => iou !== undefined);
  const centre = average(totals);
  return {
    reward: {
      mean: centre,
      std: Math.sqrt(average(totals.map((total) => (total - centre) ** 2))),
      terms: Object.fromEntries(names.map((name) => [name, average(scored(name))])),
    },
    accuracy: average(scored("answer").map((score) => Math.min(1, score))),
    giou: average(ious),
    wellFormed: average(rollouts.map(({ chain }) => Number(chain.wellFormed))),
    boxes: {
      perChain: boxes.length / rollouts.length,
      duplicate: share("duplicate"),
      degenerate: share("degenerate"),
      outOfBounds: share("outOfBounds"),
    },
    length: { mean: average(lengths), max: Math.max(...lengths) },
    ending: {
      stop: average(rollouts.map(({ completion }) => Number(completion.ending === "stop"))),
      length: average(rollouts.map(({ completion }) => Number(completion.ending === "length"))),
    },
    unscored: rollouts.length - totals.length,
  };
}

/** The mean; NaN, which its file holds as null, where there is nothing to take it of: no boxes, no scores. */
function average(values: readonly number[]): number {
  return values.length ? mean(values) : Number.NaN;
}

/** Totals by group, as advantages take them. */
export function totalsOf(groups: readonly (readonly Rollout[])[]): Score[][] {
  return groups.map((group) => group.map(({ scores }) => scores.total));
}
