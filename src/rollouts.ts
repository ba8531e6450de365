/** @file Turns samples into groups of rollouts, stage by stage, and writes them into the run folder. */
import { extname } from "node:path";
import { boxLines, chainOf } from "./chain/chain-of.ts";
import type { Recipe } from "./config/recipe.ts";
import { toSampling } from "./config/recipe-options.ts";
import type { Engine, TrainGroup } from "./engine/engine.ts";
import { type AdvantageKind, advantages } from "./objective/advantage.ts";
import { METHODS } from "./prompt/methods.ts";
import type { Completion, Group, Prompt, Sample } from "./records.ts";
import { type Reward, scoreAll } from "./rewards/define.ts";
import type { RolloutLine } from "./run/lines.ts";
import type { RunFolder } from "./run/run-folder.ts";
import { stream } from "./util/random.ts";

/** A sample's prompt with its completions, not yet scored. */
export interface Sampled {
  readonly sample: Sample;
  readonly prompt: Prompt;
  readonly completions: readonly Completion[];
}

/** Asks the policy about every sample. The seed is that of the step. @throws the signal's reason when it fires */
export async function sampleGroups(
  engine: Engine,
  samples: readonly Sample[],
  recipe: Pick<Recipe, "method" | "sampling" | "group_size" | "seed">,
  step: number,
  signal: AbortSignal | undefined,
): Promise<Sampled[]> {
  const prompts = await Promise.all(samples.map((sample) => engine.processor.prompt(sample, recipe.method)));
  const completions = await engine.sample(prompts, {
    ...toSampling(recipe),
    seed: stream(recipe.seed, "sampling", step).uint32(),
    stop: METHODS[recipe.method].stop,
    ...(signal && { signal }),
  });
  return samples.map((sample, i) => ({ sample, prompt: prompts[i]!, completions: completions[i]! }));
}

/** Parses and scores every completion, and compares it with its siblings. */
export async function scoreGroups(
  engine: Engine,
  rewards: readonly Reward[],
  sampled: readonly Sampled[],
  kind: AdvantageKind,
): Promise<Group[]> {
  const scored = await Promise.all(
    sampled.map(async ({ sample, prompt, completions }) => {
      const rollouts = completions.map(async (completion) => {
        const chain = chainOf(engine.processor, prompt, completion.text);
        return { completion, chain, scores: await scoreAll(rewards, { sample, chain, completion }) };
      });
      return { sample, prompt, rollouts: await Promise.all(rollouts) };
    }),
  );
  const A = advantages(
    scored.map(({ rollouts }) => rollouts.map(({ scores }) => scores.total)),
    kind,
  );
  return scored.map((group, g) => ({
    ...group,
    rollouts: group.rollouts.map((rollout, k) => ({ ...rollout, advantage: A[g]![k]! })),
  }));
}

/** Adds the log-probabilities of every completion under the frozen reference. */
export function withReference(engine: Engine, groups: readonly Group[]): Group[] {
  const scored = engine.score(
    "reference",
    groups.map(({ prompt, rollouts }) => ({ prompt, completions: rollouts.map(({ completion }) => completion.ids) })),
  );
  return groups.map((group, g) => ({
    ...group,
    rollouts: group.rollouts.map((rollout, k) => ({ ...rollout, referenceLogprobs: scored[g]![k]! })),
  }));
}

/** A group in the form that the engine trains on. */
export function toTrainGroup({ prompt, rollouts }: Group): TrainGroup {
  return {
    prompt,
    items: rollouts.map(({ completion, advantage, referenceLogprobs }) => ({
      ids: completion.ids,
      advantage,
      oldLogprobs: completion.logprobs,
      ...(referenceLogprobs && { referenceLogprobs }),
    })),
  };
}

/** Writes every chain of a step, and the images they speak of. */
export function writeRollouts(run: RunFolder, step: number, groups: readonly Group[]): void {
  const lines = groups.flatMap(({ sample, prompt, rollouts }, group) =>
    rollouts.map(
      ({ completion, chain, scores, advantage }): RolloutLine => ({
        step,
        group,
        id: sample.id,
        dataset: sample.dataset,
        image: keepImage(run, prompt.images[0]!.sha256, sample.image),
        width: sample.width,
        height: sample.height,
        question: sample.question,
        answer: sample.answer,
        text: completion.text,
        ids: [...completion.ids],
        boxes: boxLines(chain),
        terms: scores.terms,
        total: scores.total,
        advantage,
        ending: completion.ending,
      }),
    ),
  );
  run.writeRollouts(step, lines);
}

/** Keeps an image file in the run folder under its hash; its path there. */
export function keepImage(run: RunFolder, sha256: string, file: string): string {
  return run.saveImage(sha256, file, extname(file).slice(1).toLowerCase() || "img");
}
