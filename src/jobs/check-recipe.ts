/**
 * @file Checks a recipe before anything is spent on it: all that a run checks before its first step, and then a few groups of
 * rollouts of the base as the first steps would sample them, scored and learned from, but for the update.
 */

import type { Finding, RecipeCheck, SeenPicture } from "../check-result.ts";
import { inSection } from "../config/key-places.ts";
import type { Recipe } from "../config/recipe.ts";
import { toLoss } from "../config/recipe-options.ts";
import type { Engine } from "../engine/engine.ts";
import { openJudge } from "../judge/open.ts";
import { effectiveGroups } from "../objective/advantage.ts";
import { preflight } from "../preflight.ts";
import { seenPicture } from "../prompt/seen-picture.ts";
import type { Group } from "../records.ts";
import type { Reward } from "../rewards/define.ts";
import { rewardsOf } from "../rewards/rewards-of.ts";
import { rollOut, rolloutLines, toTrainGroup } from "../rollouts.ts";
import { batchOf, openEngine, readData, type TrainingData } from "../train.ts";
import { mean } from "../util/arrays.ts";
import type { Cancellable } from "../util/interruptible.ts";
import { Stopwatch } from "../util/stopwatch.ts";
import { findJudgeFaults, forecastJudge } from "./check-judge.ts";
import { figuresOf, findConstantTerms, tryRewards } from "./check-rewards.ts";

export interface CheckOptions extends Cancellable {
  /** Rollouts to sample, rounded up to whole groups. Default 32. */
  readonly rollouts?: number;
  /** The folder that the run will be written into, whose disk must have room for its checkpoints. Default `runs`. */
  readonly run?: string;
  /** What `readData` gave, when the caller has read it already. */
  readonly data?: TrainingData;
  /** Called as each part of the work begins. */
  readonly onStage?: (stage: "opening" | "prompts" | "judge" | "rollouts") => void;
}

/** Images shown as the model sees them. */
const SEEN = 4;

/** Below this share of groups that teach, most of what is sampled is wasted. */
const FEW = 0.25;

/**
 * Checks a recipe. Nothing is written; a judge that is a service is asked about a few answers.
 * @returns what was found; a recipe with `refusals` cannot teach
 * @throws UserError as `train` does before its first step: faults in data, prompts, rewards, a judge that is out or refuses;
 *   Interrupted when the judge stays out; the signal's reason
 */
export async function checkRecipe(given: Recipe, options: CheckOptions = {}): Promise<RecipeCheck> {
  const { rollouts = 32, run = "runs", onStage, signal } = options;
  const data = options.data ?? (await readData(given));
  const judge = await inSection("judge", () => openJudge(given.judge, { signal }));
  const proof = judge.spent?.();
  const rewards = rewardsOf(given.rewards, judge, data.rewards);
  onStage?.("opening");
  const engine = await openEngine(given, { signal });
  try {
    const recipe: Recipe = { ...given, precision: engine.precision };
    onStage?.("prompts");
    const { workload, figures, warnings } = await preflight(recipe, engine, data, { run, signal });
    await tryRewards(recipe, engine.processor, data.samples, data.rewards);
    if (proof) onStage?.("judge");
    const judgeFaults = proof ? await findJudgeFaults(rewards.find(({ name }) => name === "answer")!) : [];
    onStage?.("rollouts");
    const clock = new Stopwatch();
    const groups = await firstGroups(engine, rewards, data, recipe, rollouts, { clock, signal });
    const all = groups.flatMap((group) => group.rollouts);
    const share = (test: (rollout: (typeof all)[number]) => boolean) => mean(all.map((each) => Number(test(each))));
    const terms = figuresOf(groups, rewards);
    const constant = await findConstantTerms(groups, rewards, terms, engine.processor);
    const sampled = {
      groups: groups.map((group, g) => rolloutLines(group, 1, g, group.sample.image)),
      terms,
      inForm: share(({ chain }) => chain.wellFormed),
      cutOff: share(({ completion }) => completion.ending === "length"),
      teaching: effectiveGroups(groups.map((group) => group.rollouts.map(({ advantage }) => advantage))),
    };
    const heldOutAnswers = heldOutAnswersOf(recipe, data);
    const forecast =
      proof && forecastJudge(recipe, judge, proof, { ...data, heldOutAnswers, processor: engine.processor });
    const memory = await engine.memory(workload);
    return {
      ...figures,
      ...sampled,
      memory,
      seen: seenIn(engine, groups),
      seconds: secondsOf(recipe, clock.seconds(), all.length, heldOutAnswers),
      ...(forecast && { judge: forecast }),
      refusals: [...judgeFaults, ...nothingTaught(recipe, sampled), ...constant.refusals],
      warnings: [
        ...warnings,
        ...littleTaught(recipe, sampled),
        ...overBudget(recipe, forecast?.usd),
        ...constant.warnings,
      ],
    };
  } finally {
    await engine.dispose();
  }
}

/** Whole groups, batch by batch as the first steps take them, with the gradient that a step would make of each batch. */
async function firstGroups(
  engine: Engine,
  rewards: readonly Reward[],
  { samples }: TrainingData,
  recipe: Recipe,
  rollouts: number,
  following: Cancellable & { readonly clock: Stopwatch },
): Promise<Group[]> {
  const wanted = Math.ceil(rollouts / recipe.group_size);
  const groups: Group[] = [];
  for (let step = 1; groups.length < wanted; step++) {
    const batch = batchOf(samples, recipe, step).slice(0, wanted - groups.length);
    const { groups: sampled } = await rollOut(engine, rewards, batch, recipe, step, following);
    await engine.forwardBackward(sampled.map(toTrainGroup), toLoss(recipe), { signal: following.signal });
    following.clock.lap("train");
    groups.push(...sampled);
  }
  return groups;
}

type Sampled = Pick<RecipeCheck, "groups" | "terms" | "inForm" | "cutOff" | "teaching">;

function nothingTaught({ group_size, sampling }: Recipe, { groups, terms, teaching }: Sampled): Finding[] {
  if (teaching > 0) return [];
  const { scores } = terms.at(-1)!;
  if (scores.length === 0)
    return [
      { key: "judge", what: "No sampled rollout could be scored.", remedy: "The page says why, rollout by rollout." },
    ];
  return [
    {
      key: sampling.top_k === 1 ? "sampling.top_k" : "sampling.temperature",
      what: `None of the ${groups.length} sampled groups would teach: the ${group_size} completions of each have the same reward.`,
      remedy: `Raise sampling.temperature (${sampling.temperature}) or group_size, choose samples that the base sometimes gets right, or mend the rewards named here.`,
    },
  ];
}

function littleTaught({ sampling }: Recipe, { terms, teaching, inForm, cutOff }: Sampled): Finding[] {
  const found: Finding[] = [];
  const percent = (share: number) => `${Math.round(100 * share)} %`;
  if (teaching > 0 && teaching < FEW)
    found.push({
      key: "group_size",
      what: `Only ${percent(teaching)} of the sampled groups would teach.`,
      remedy: "Raise group_size or sampling.temperature, or choose samples that the base sometimes gets right.",
    });
  if (inForm < FEW)
    found.push({
      key: "method",
      what: `${percent(inForm)} of the sampled rollouts are in the form of the method.`,
      remedy: "A base that was tuned on a few samples of that form learns faster: grit pretrain.",
    });
  if (cutOff > FEW)
    found.push({
      key: "sampling.max_tokens",
      what: `${percent(cutOff)} of the sampled rollouts are cut off at ${sampling.max_tokens} tokens.`,
      remedy: "Raise sampling.max_tokens.",
    });
  const { unscored } = terms.at(-1)!;
  if (unscored > 0)
    found.push({
      key: "judge",
      what: `${unscored} of the sampled rollouts could not be scored.`,
      remedy: "The page says why; they would teach nothing.",
    });
  return found;
}

function overBudget({ judge: { openai } }: Recipe, usd: number | undefined): Finding[] {
  if (usd === undefined || !openai?.budget || usd <= openai.budget) return [];
  return [
    {
      key: "judge.openai.budget",
      what: `The judge may cost $${usd.toFixed(2)}, and its budget is $${openai.budget}: the run would stop there.`,
      remedy: "Raise the budget, take a cheaper model, or write judge.name: exact-then-openai.",
    },
  ];
}

/** The first images of the groups, as the model sees them. */
function seenIn({ processor }: Engine, groups: readonly Group[]): SeenPicture[] {
  const byImage = new Map(groups.map((group) => [group.sample.image, group]));
  return [...byImage.values()].slice(0, SEEN).map(({ sample, prompt: { images } }) => ({
    sample,
    picture: seenPicture(processor.images, images[0]!),
    tokens: processor.imageTokens(images),
  }));
}

/** Answers of all evaluations during the run. */
function heldOutAnswersOf({ steps, eval: { every } }: Recipe, { heldOut }: TrainingData): number {
  const once = heldOut.reduce((sum, { samples }) => sum + samples.length, 0);
  return every > 0 ? Math.floor(steps / every) * once : 0;
}

/** Each rollout of the run as long as those that were made; a held-out answer as long as sampling one. */
function secondsOf(
  { steps, prompts_per_step, group_size }: Recipe,
  phases: Readonly<Record<string, number>>,
  made: number,
  heldOutAnswers: number,
) {
  const total = Object.values(phases).reduce((sum, seconds) => sum + seconds, 0);
  const step = (total / made) * prompts_per_step * group_size;
  return { step, run: steps * step + heldOutAnswers * ((phases.sample ?? 0) / made) };
}
