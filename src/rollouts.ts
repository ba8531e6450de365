/** @file Turns samples into groups of rollouts, stage by stage, and writes them into the run folder. */
import { extname } from "node:path";
import { boxLines, chainOf } from "./chain/chain-of.ts";
import type { Recipe } from "./config/recipe.ts";
import { toSampling } from "./config/recipe-options.ts";
import { divide, expectedCost, withoutPixels } from "./distributed/divide.ts";
import { solo, type Team } from "./distributed/team.ts";
import type { Engine, TrainGroup } from "./engine/engine.ts";
import { type AdvantageKind, advantages } from "./objective/advantage.ts";
import { type BatchSize, batchSize } from "./objective/loss.ts";
import { METHODS } from "./prompt/methods.ts";
import type { Processor } from "./prompt/prompt.ts";
import type { Completion, Group, Prompt, Rollout, Sample, Scores } from "./records.ts";
import { type Reward, scoreAll } from "./rewards/define.ts";
import type { RolloutLine } from "./run/lines.ts";
import type { RunFolder } from "./run/run-folder.ts";
import { type Cancellable, unlessAborted } from "./util/interruptible.ts";
import { stream } from "./util/random.ts";
import type { Stopwatch } from "./util/stopwatch.ts";

/** The groups of a step. */
export interface RolledOut {
  /** All of them, in the order of the samples. Of those that other processes have sampled the prompts are without pixels. */
  readonly groups: readonly Group[];
  /** Those that this process has sampled, and trains on. */
  readonly own: readonly Group[];
}

/**
 * Asks the policy about every sample, and compares the completions of each with their siblings. Processes that train together divide
 * the samples, and the first of them scores: one judge, one budget. Each group is scored as soon
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
  { clock, signal: given, team = solo }: RollOutOptions,
): Promise<RolledOut> {
  const { processor } = engine;
  const written = recipe.group_size * recipe.sampling.max_tokens;
  const costs = samples.map((sample) => expectedCost(sample, written));
  const mine = divide(costs, team.size)[team.rank]!;
  const prompts = await Promise.all(mine.map((g) => processor.prompt(samples[g]!, recipe.method)));
  // Where one completion cannot be scored, nobody waits for the others.
  const failed = new AbortController();
  const signal = given ? AbortSignal.any([given, failed.signal]) : failed.signal;
  const answered: AnsweredGroup[] = [];
  const scored: Promise<Scores[]>[] = [];
  const take = (g: number, prompt: Prompt, completions: readonly Completion[]) => {
    answered[g] = answeredGroup(processor, samples[g]!, prompt, completions);
    if (!team.leads) return;
    scored[g] = scoresOf(rewards, answered[g]);
    scored[g].catch((error) => failed.abort(error));
  };
  team.at(`step ${step}, sampling`);
  const completions = await engine.sample(prompts, {
    ...toSampling(recipe),
    seed: stream(recipe.seed, "sampling", step).uint32(),
    places: mine,
    stop: METHODS[recipe.method].stop,
    signal,
    onGroup: (i, completions) => take(mine[i]!, prompts[i]!, completions),
  });
  const told = mine.map((g, i) => ({ g, prompt: withoutPixels(prompts[i]!), completions: completions[i]! }));
  for (const others of (await unlessAborted(signal, team.gather(told))).filter((_, rank) => rank !== team.rank))
    for (const { g, prompt, completions } of others) take(g, prompt, completions);
  clock.lap("sample");
  team.at(`step ${step}, rewards`);
  const reference = recipe.loss.beta > 0 ? await referenceOf(engine, prompts, completions, { signal }) : undefined;
  clock.lap("score");
  const ownScores = await unlessAborted(signal, Promise.all(scored));
  // Gradients come next, over tensors: who leaves here alone is waited for there. A signal stops the team, and the team ends this.
  const [scores] = await team.gather(ownScores);
  const groups = withAdvantages(answered, scores!, recipe.advantage);
  clock.lap("reward");
  const own = mine.map((g) => groups[g]!);
  return { groups, own: reference ? withReference(own, reference) : own };
}

interface RollOutOptions extends Cancellable {
  readonly clock: Stopwatch;
  /** Those who share the work. */
  readonly team?: Team;
}

/** A group whose rollouts have not been scored yet. */
type AnsweredGroup = Omit<Group, "rollouts"> & { readonly rollouts: readonly Pick<Rollout, "completion" | "chain">[] };

/** Parses the completions of one prompt. */
function answeredGroup(
  processor: Processor,
  sample: Sample,
  prompt: Prompt,
  completions: readonly Completion[],
): AnsweredGroup {
  const rollouts = completions.map((completion) => ({
    completion,
    chain: chainOf(processor, prompt, completion.text),
  }));
  return { sample, prompt, rollouts };
}

function scoresOf(rewards: readonly Reward[], { sample, rollouts }: AnsweredGroup): Promise<Scores[]> {
  return Promise.all(rollouts.map((rollout) => scoreAll(rewards, { sample, ...rollout })));
}

function withAdvantages(
  answered: readonly AnsweredGroup[],
  scores: readonly (readonly Scores[])[],
  kind: AdvantageKind,
): Group[] {
  const A = advantages(
    scores.map((group) => group.map(({ total }) => total)),
    kind,
  );
  return answered.map((group, g) => ({
    ...group,
    rollouts: group.rollouts.map((rollout, k) => ({ ...rollout, scores: scores[g]![k]!, advantage: A[g]![k]! })),
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

/** What the loss of groups is normalised over. */
export function sizeOf(groups: readonly Group[]): BatchSize {
  return batchSize(groups.flatMap(({ rollouts }) => rollouts.map(({ completion }) => completion.ids.length)));
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
