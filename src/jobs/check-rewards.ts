/** @file What the terms of a reward gave to sampled rollouts, and whether a constant one could have varied. */

import { chainOf } from "../chain/chain-of.ts";
import type { Finding, TermFigures } from "../check-result.ts";
import type { Recipe } from "../config/recipe.ts";
import type { Processor } from "../prompt/prompt.ts";
import { type Group, isScored, type Prompt, type Sample, type Score } from "../records.ts";
import type { Reward, RewardInput } from "../rewards/define.ts";
import { wantedCount } from "../rewards/grounding.ts";
import { mean } from "../util/arrays.ts";

/** Groups whose sample is answered by hand, to see what a term can give. */
const PROBED = 4;
/** Most boxes that such an answer has. */
const MOST_BOXES = 50;

/** Terms closer than this are equal. */
const EQUAL = 1e-9;

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
  if (scores.length === 0) return { name, mean: Number.NaN, spread: Number.NaN, scores, unscored: all.length };
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
 * Scores answers written by hand, a perfect one and bad ones, by every term that was constant. A term that gives all of them that
 * same value, or less than a perfect answer earns, teaches nothing; one that has its best value already has nothing left to teach.
 */
export async function findConstantTerms(
  recipe: Recipe,
  groups: readonly Group[],
  rewards: readonly Reward[],
  terms: readonly TermFigures[],
  processor: Processor,
): Promise<ConstantTerms> {
  const probes = groups.slice(0, PROBED).flatMap(({ sample, prompt }) => probesOf(processor, sample, prompt));
  const refusals: Finding[] = [];
  const warnings: Finding[] = [];
  for (const reward of rewards) {
    const { scores, spread } = terms.find(({ name }) => name === reward.name)!;
    if (reward.weight === 0 || scores.length < 2 || spread > EQUAL) continue;
    const given = (await Promise.all(probes.map((probe) => reward.score(probe))))
      .filter(isScored)
      .map((score) => score * reward.weight);
    const [value, best] = [scores[0]!, Math.max(...given)];
    const found = `The reward ${reward.name} is ${text(value)} for all ${scores.length} sampled rollouts`;
    if (given.every((score) => Math.abs(score - value) < EQUAL)) {
      refusals.push({
        key: isCustom(reward, recipe) ? "rewards.custom" : "data.train",
        what: `${found}, and for a perfect answer and an empty one too: it teaches nothing.`,
        remedy: "Mend the reward, or give it the weight 0 or leave it out.",
      });
    } else if (best - value > EQUAL) {
      refusals.push({
        key: KEYS[reward.name] ?? "rewards.custom",
        what: `${found}, where a perfect answer has ${text(best)}: the base never earns it, so it teaches nothing.`,
        remedy:
          REMEDIES[reward.name] ??
          "Mend the reward, make it easier to earn a part of it, or sample more by --rollouts.",
      });
    } else {
      warnings.push({
        key: isCustom(reward, recipe) ? "rewards.custom" : "rewards.preset",
        what: `${found}, which is the best it gives: it has nothing left to teach.`,
        remedy: "Nothing is wrong if you mean it as a guard.",
      });
    }
  }
  return { refusals, warnings };
}

/** The key that most often keeps a preset's term at one value, and what to do with it. */
const KEYS: Readonly<Record<string, string>> = {
  answer: "judge",
  bleu: "method",
  answer_format: "method",
  repetition: "sampling.max_tokens",
  grounding: "method",
  think_format: "method",
};
const FORM =
  "Use a model that can write the method's form, e.g. one that `grit pretrain` has tuned on a few samples; or raise sampling.max_tokens if rollouts are cut off.";
const REMEDIES: Readonly<Record<string, string>> = {
  answer:
    "See in the page what is answered: mend the gold answers, choose easier samples, another judge or a better base.",
  bleu: FORM,
  answer_format: FORM,
  repetition: "See in the page what is written.",
  grounding: FORM,
  think_format: FORM,
};

function isCustom({ name }: Reward, { rewards }: Recipe): boolean {
  return rewards.custom.length > 0 && !(name in KEYS);
}

/** A perfect answer to a sample, and three bad ones. */
function probesOf(processor: Processor, sample: Sample, prompt: Prompt): RewardInput[] {
  return [perfectAnswer(processor, sample, prompt), "", "I cannot tell. ".repeat(8), "<answer>\nnothing"].map(
    (text) => ({
      sample,
      chain: chainOf(processor, prompt, text),
      completion: { text, ids: processor.tokenizer.encode(text) },
    }),
  );
}

/** In full form, the gold answer at its end, with one sound box, or as many as a counting sample asks for. */
function perfectAnswer(processor: Processor, sample: Sample, prompt: Prompt): string {
  const { frameWidth, frameHeight, imageWidth, imageHeight } = prompt.images[0]!.frame;
  const [width, height] = {
    frame: [frameWidth, frameHeight],
    image: [imageWidth, imageHeight],
    permille: [1000, 1000],
  }[processor.boxSpace] as [number, number];
  const count = Math.min(wantedCount(sample) ?? 1, MOST_BOXES);
  const side = (i: number) => Math.floor((i * width) / count);
  const boxes = Array.from(
    { length: count },
    (_, i) => `{"bbox_2d": [${side(i)}, 0, ${side(i + 1)}, ${Math.floor(height / 2)}], "label": "object ${i + 1}"}`,
  );
  return `<think>\n${boxes.join("\n")}\n</think>\n<rethink>\nThe question is answered by what is in these places.\n</rethink>\n<answer>\n${sample.answer}`;
}

function text(value: number): string {
  return String(Number(value.toFixed(3)));
}
