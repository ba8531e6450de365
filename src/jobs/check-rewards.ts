/** @file What the terms of a reward gave to sampled rollouts, and whether a constant one could have varied. */

import type { Recipe } from "../config/recipe.ts";
import { exactJudge } from "../judge/exact.ts";
import type { Processor } from "../prompt/prompt.ts";
import { type Group, isScored, type Sample, type Score } from "../records.ts";
import { type Reward, scoreAll } from "../rewards/define.ts";
import { rewardsOf } from "../rewards/rewards-of.ts";
import type { Finding, TermFigures } from "../run/check-file.ts";
import { groupBy, mean } from "../util/arrays.ts";
import { writtenAnswers } from "./written-answers.ts";

/** Groups whose sample is answered by hand, to see what a term can give. */
const ANSWERED = 4;

/** Terms closer than this are equal. */
const EQUAL = 1e-9;

/**
 * Scores answers written by hand to the first sample of each data set, with the rule as the judge: what fails then would fail in
 * the run.
 * @throws UserError when a reward gives no score, or two have one name
 */
export async function tryRewards(
  { method, rewards }: Recipe,
  processor: Processor,
  samples: readonly Sample[],
  custom: readonly Reward[],
): Promise<void> {
  const all = rewardsOf(rewards, exactJudge, custom);
  for (const [first] of groupBy(samples, ({ dataset }) => dataset)) {
    const prompt = await processor.prompt(first!, method);
    for (const answer of writtenAnswers(processor, first!, prompt)) await scoreAll(all, answer);
  }
}

/** Each term over all rollouts, and their sum. */
export function figuresOf(groups: readonly Group[], rewards: readonly Reward[]): TermFigures[] {
  const scores = groups.flatMap(({ rollouts }) => rollouts.map(({ scores }) => scores));
  return [
    ...rewards.map(({ name }) =>
      figures(
        name,
        scores.map(({ terms }) => terms[name]!),
      ),
    ),
    figures(
      "total",
      scores.map(({ total }) => total),
    ),
  ];
}

function figures(name: string, all: readonly Score[]): TermFigures {
  const scores = all.filter(isScored);
  if (scores.length === 0) return { name, mean: null, spread: null, scores, unscored: all.length };
  const centre = mean(scores);
  const spread = Math.sqrt(mean(scores.map((score) => (score - centre) ** 2)));
  return { name, mean: centre, spread, scores, unscored: all.length - scores.length };
}

/** What is found of terms that gave one value to all rollouts: what can never teach, and what cannot yet or any more. */
export interface ConstantTerms {
  readonly refusals: readonly Finding[];
  readonly warnings: readonly Finding[];
}

/**
 * Scores answers written by hand, a perfect one and bad ones, by every term that was constant. A term of the user's own that gives
 * all of them that same value, and any that gives less than a perfect answer earns, teaches nothing; one that has its best value
 * already has nothing left to teach. A term of a preset may be constant by its definition, as some are on detection samples.
 */
export async function findConstantTerms(
  groups: readonly Group[],
  rewards: readonly Reward[],
  terms: readonly TermFigures[],
  processor: Processor,
): Promise<ConstantTerms> {
  const written = groups.slice(0, ANSWERED).flatMap(({ sample, prompt }) => writtenAnswers(processor, sample, prompt));
  const refusals: Finding[] = [];
  const warnings: Finding[] = [];
  for (const reward of rewards) {
    const { name, weight } = reward;
    const { scores, spread } = terms.find((term) => term.name === name)!;
    if (weight === 0 || scores.length < 2 || spread! > EQUAL) continue;
    const given = (await Promise.all(written.map((answer) => reward.score(answer))))
      .filter(isScored)
      .map((score) => score * weight);
    const [value, best] = [scores[0]!, Math.max(...given)];
    const found = `The reward ${name} is ${text(value)} for all ${scores.length} sampled rollouts`;
    const { key, remedy } = OF_PRESETS[name] ?? CUSTOM;
    if (best - value > EQUAL) {
      const what = `${found}, where a perfect answer has ${text(best)}: the base never earns it, so it teaches nothing.`;
      refusals.push({ key, what, remedy });
    } else if (given.some((score) => Math.abs(score - value) > EQUAL)) {
      const what = `${found}, which is the best it gives: it has nothing left to teach.`;
      warnings.push({ key, what, remedy: "Keep it if you mean it as a guard." });
    } else {
      const what = `${found}, and for a perfect answer and an empty one too: it teaches nothing.`;
      (name in OF_PRESETS ? warnings : refusals).push({ key, what, remedy });
    }
  }
  return { refusals, warnings };
}

/** Where to look when a term stays at one value. */
type Advice = Pick<Finding, "key" | "remedy">;

const CUSTOM: Advice = {
  key: "rewards.custom",
  remedy: "Mend the reward, give it the weight 0, or sample more by --rollouts if it is earned rarely.",
};
const FORM: Advice = {
  key: "method",
  remedy:
    "Use a base that can write the method's form, e.g. one that `grit pretrain` has tuned on a few samples; or raise sampling.max_tokens if rollouts are cut off.",
};
const OF_PRESETS: Readonly<Record<string, Advice>> = {
  answer: {
    key: "data.train",
    remedy: "Read the rollouts: mend the gold answers, choose easier samples, another judge or a better base.",
  },
  repetition: { key: "sampling", remedy: "Read the rollouts: what do they repeat?" },
  ...{ bleu: FORM, answer_format: FORM, grounding: FORM, think_format: FORM },
};

function text(value: number): string {
  return String(Number(value.toFixed(3)));
}
