/** @file Turns samples into groups of rollouts, stage by stage, and writes them into the run folder. */
import { extname } from "node:path";
import { boxLines, chainOf } from "./chain/chain-of.ts";
import type { Recipe } from "./config/recipe.ts";
import { toSampling } from "./config/recipe-options.ts";
import type { Engine, TrainGroup } from "./engine/engine.ts";
import { type AdvantageKind, advantages } from "./objective/advantage.ts";
import { METHODS } from "./prompt/methods.ts";
import type { Processor } from "./prompt/prompt.ts";
import type { Completion, Group, Prompt, Rollout, Sample } from "./records.ts";
import { type Reward, scoreAll } from "./rewards/define.ts";
import type { RolloutLine } from "./run/lines.ts";
import type { RunFolder } from "./run/run-folder.ts";
import { type Cancellable, unlessAborted } from "./util/interruptible.ts";
import { stream } from "./util/random.ts";
import type { Stopwatch } from "./util/stopwatch.ts";

/**
 * Asks the policy about every sample, and compares the completions of each with their siblings. Each group is scored as soon
 * as its completions have ended, while others are still sampled; the reference reads them while a judge's last answers come.
 * The seed is that of the step. `clock` takes the time of `sample`, `score`, and of what the rewards take beyond them.
 * @throws the signal's reason when it fires, Interrupted when a judge ends the work
 */
export async function rollOut(
  engine: Engine,
  rewards: readonly Reward[],
  samples: readonly Sample[],
  recipe: Pick<Recipe, "method" | "sampling" | "group_size" | "seed" | "advantage" | "loss">,
  step: number,
  { clock, signal: given }: Cancellable & { readonly clock: Stopwatch },
): Promise<Group[]> {
  const { processor } = engine;
  const prompts = await Promise.all(samples.map((sample) => processor.prompt(sample, recipe.method)));
  // Where one completion cannot be scored, nobody waits for the others.
  const failed = new AbortController();
  const signal = given ? AbortSignal.any([given, failed.signal]) : failed.signal;
  const scored: Promise<ScoredGroup>[] = [];
  const completions = await engine.sample(prompts, {
    ...toSampling(recipe),
    seed: stream(recipe.seed, "sampling", step).uint32(),
    stop: METHODS[recipe.method].stop,
    signal,
    onGroup: (g, completions) => {
      scored[g] = scoreGroup(processor, rewards, samples[g]!, prompts[g]!, completions);
      scored[g].catch((error) => failed.abort(error));
    },
  });
  clock.lap("sample");
  const reference = recipe.loss.beta > 0 ? await referenceOf(engine, prompts, completions, { signal }) : undefined;
  clock.lap("score");
  const groups = withAdvantages(await unlessAborted(signal, Promise.all(scored)), recipe.advantage);
  clock.lap("reward");
  return reference ? withReference(groups, reference) : groups;
}

/** A group whose rollouts have not been compared yet. */
type ScoredGroup = Omit<Group, "rollouts"> & { readonly rollouts: readonly Omit<Rollout, "advantage">[] };

/** Parses and scores the completions of one prompt. */
async function scoreGroup(
  processor: Processor,
  rewards: readonly Reward[],
  sample: Sample,
  prompt: Prompt,
  completions: readonly Completion[],
): Promise<ScoredGroup> {
  const rollouts = completions.map(async (completion) => {
    const chain = chainOf(processor, prompt, completion.text);
    return { completion, chain, scores: await scoreAll(rewards, { sample, chain, completion }) };
  });
  return { sample, prompt, rollouts: await Promise.all(rollouts) };
}

function withAdvantages(scored: readonly ScoredGroup[], kind: AdvantageKind): Group[] {
  const A = advantages(
    scored.map(({ rollouts }) => rollouts.map(({ scores }) => scores.total)),
    kind,
  );
  return scored.map((group, g) => ({
    ...group,
    rollouts: group.rollouts.map((rollout, k) => ({ ...rollout, advantage: A[g]![k]! })),
  }));
}

/** What the frozen reference says of every completion: [group][completion][token]. */
function referenceOf(
  engine: Engine,
  prompts: readonly Prompt[],
  completions: readonly (readonly Completion[])[],
  options: Cancellable,
): Promise<number[][][]> {
  const groups = prompts.map((prompt, g) => ({ prompt, completions: completions[g]!.map(({ ids }) => ids) }));
  return engine.score("reference", groups, options);
}

function withReference(groups: readonly Group[], logprobs: readonly (readonly (readonly number[])[])[]): Group[] {
  return groups.map((group, g) => ({
    ...group,
    rollouts: group.rollouts.map((rollout, k) => ({ ...rollout, referenceLogprobs: logprobs[g]![k]! })),
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
  const lines = groups.flatMap((group, g) =>
    rolloutLines(group, step, g, keepImage(run, group.prompt.images[0]!.sha256, group.sample.image)),
  );
  run.writeRollouts(step, lines);
}

/** The chains of a step's group as files hold them; `image` is the path by which they name theirs. */
export function rolloutLines({ sample, rollouts }: Group, step: number, group: number, image: string): RolloutLine[] {
  return rollouts.map(({ completion, chain, scores, advantage }) => ({
    step,
    group,
    id: sample.id,
    dataset: sample.dataset,
    image,
    width: sample.width,
    height: sample.height,
    question: sample.question,
    answer: sample.answer,
    text: completion.text,
    ids: [...completion.ids],
    logprobs: completion.logprobs.map((logprob) => Math.round(logprob * 1e4) / 1e4),
    boxes: boxLines(chain),
    terms: scores.terms,
    total: scores.total,
    advantage,
    ending: completion.ending,
  }));
}

/** Keeps an image file in the run folder under its hash; its path there. */
export function keepImage(run: RunFolder, sha256: string, file: string): string {
  return run.saveImage(sha256, file, extname(file).slice(1).toLowerCase() || "img");
}
