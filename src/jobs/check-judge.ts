/** @file Whether a judge that is a service tells right answers from wrong ones, and what it will be asked in a whole run. */

import { parseChain } from "../chain/parse.ts";
import type { Recipe } from "../config/recipe.ts";
import type { Cost, Judge } from "../judge/judge.ts";
import { judgeQuestion } from "../judge/verdict.ts";
import type { Processor } from "../prompt/prompt.ts";
import { isScored, type Sample } from "../records.ts";
import type { Reward } from "../rewards/define.ts";
import type { Finding, JudgeForecast } from "../run/check-file.ts";
import { mean } from "../util/arrays.ts";

/** Questions whose answers nobody doubts; a rule cannot tell that the wrong ones are wrong, so that the service is asked. */
const PROOFS = [
  {
    question: "What is the man in the picture holding?",
    answer: "a black umbrella",
    right: "a black umbrella",
    wrong: "a slice of pizza",
  },
  { question: "Where does the cat lie?", answer: "on the sofa", right: "on the sofa", wrong: "under a tree" },
];

/**
 * Asks about answers that are plainly right, and plainly wrong, by the term of the reward that the judge decides: that term
 * knows from which score on an answer counts as right.
 * @throws Interrupted when the service does not answer
 */
export async function findJudgeFaults(answerTerm: Reward): Promise<Finding[]> {
  const ask = (said: "right" | "wrong") =>
    Promise.all(PROOFS.map((proof) => answerTerm.score(saying(proof.question, proof.answer, proof[said]))));
  const [onRight, onWrong] = [await ask("right"), await ask("wrong")];
  if (![...onRight, ...onWrong].every(isScored)) return [];
  if (onWrong.every((score) => score === 1))
    return [
      {
        key: "judge",
        what: `The judge agrees with everything: ${quoted("wrong")} count as right.`,
        remedy: "Use another model (judge.openai.model); with rewards.preset: code any score above 0 counts as right.",
      },
    ];
  if (onRight.every((score) => score === 0))
    return [
      {
        key: "judge",
        what: `The judge agrees with nothing: ${quoted("right")} count as wrong.`,
        remedy: "Use another model (judge.openai.model).",
      },
    ];
  return [];
}

function quoted(said: "right" | "wrong"): string {
  return PROOFS.map((proof) => `"${proof[said]}" for "${proof.answer}"`).join(" and ");
}

/** A rollout that answers so, in the form that every method's reading takes. */
function saying(question: string, answer: string, response: string) {
  const text = `<think></think><rethink></rethink><answer>${response}`;
  const frame = { imageWidth: 1, imageHeight: 1, frameWidth: 1, frameHeight: 1 };
  const sample: Sample = {
    ...{ id: "proof", image: "", question, answer, boxes: [], width: 1, height: 1 },
    ...{ dataset: "proof", task: "answer", split: "" },
  };
  return { sample, chain: parseChain(text, { space: "image", frame }), completion: { text } };
}

/**
 * What the judge will be asked at most: about every rollout and every held-out answer. A request is reckoned as the one that
 * proved the service when it was opened, `proof`, and the words of a question beside it.
 */
export function forecastJudge(
  recipe: Recipe,
  judge: Judge,
  proof: Cost,
  { samples, heldOutAnswers, processor }: JudgedWork,
): JudgeForecast | undefined {
  const { openai } = recipe.judge;
  if (!judge.service || !openai) return undefined;
  const words = mean(samples.map((sample) => tokensOf(processor, sample)));
  const requests = recipe.steps * recipe.prompts_per_step * recipe.group_size + heldOutAnswers;
  const inputTokens = Math.round(requests * (proof.input + words));
  const outputTokens = requests * proof.output;
  const { price } = openai;
  return {
    model: openai.model,
    requests,
    inputTokens,
    outputTokens,
    ...(price && { usd: (inputTokens * price.input + outputTokens * price.output) / 1e6 }),
  };
}

interface JudgedWork {
  readonly samples: readonly Sample[];
  readonly heldOutAnswers: number;
  /** Its tokenizer stands for the service's. */
  readonly processor: Processor;
}

/** By how many tokens a request about a sample is longer than one about nothing. */
function tokensOf({ tokenizer }: Processor, { question, answer, choices }: Sample): number {
  const bodyOf = (words: { question: string; answer: string; response: string; choices?: readonly string[] }) =>
    tokenizer.encode(judgeQuestion({ model: "", request: {} }, words, "text").body).length;
  const empty = bodyOf({ question: "", answer: "", response: "" });
  return bodyOf({ question, answer, response: answer, ...(choices && { choices }) }) - empty;
}
