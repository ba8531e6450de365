/**
 * @file The value in which a chain's rethink ends, held against the chain's own answer. A rethink is free text: only a number, a yes
 * or no, or an option's letter that stands where a conclusion stands counts, and only beside an answer of the same kind.
 */
import { findQuadruples } from "../chain/parse.ts";
import { choicesIn } from "../judge/choices-listed.ts";
import { isRight } from "../judge/exact.ts";
import { clean, normalize, sentencesOf } from "../judge/normalize.ts";
import { asPolarity } from "../judge/polarity.ts";
import { asQuantity } from "../judge/read-numbers.ts";
import type { Chain, Sample } from "../records.ts";

/** Does a chain answer otherwise than its rethink ends? By the judge `exact`; undefined where the rethink ends in no such value. */
export function answersOtherwise(
  { question, choices = choicesIn(question) }: Pick<Sample, "question" | "choices">,
  { rethink, answer }: Pick<Chain, "rethink" | "answer">,
): boolean | undefined {
  if (rethink === undefined || answer === undefined) return undefined;
  const last = sentencesOf(clean(withoutBoxes(rethink)))
    .at(-1)
    ?.trim();
  const response = last && valueIn(last, clean(answer), question, choices);
  if (!response) return undefined;
  const agrees = isRight({ question, answer, response, choices });
  return agrees === undefined ? undefined : !agrees;
}

/** The value of the answer's kind that a sentence ends in. */
function valueIn(sentence: string, answer: string, question: string, choices: readonly string[]): string | undefined {
  if (choices.length > 0) return letterAtEnd.exec(sentence)?.[1];
  if (asPolarity(normalize(answer)) !== undefined) return (yesNoAtEnd.exec(sentence) ?? yesNoFirst.exec(sentence))?.[1];
  return asQuantity(answer) && numberIn(sentence, question);
}

/** "B", "so (B).", "the answer is B" */
const letterAtEnd = /(?:^|\b(?:[Aa]nswer|[Oo]ption|[Cc]hoice|[Ii]s|[Ss]o|[Tt]herefore)\b:?\s*)\(?([A-Z])\)?\.?$/;
/** "…, so no.", "the answer is yes", and "Yes, it is …"; not "no dog is to be seen". */
const yesNoAtEnd = /(?:^|[,;:]\s*|\b(?:is|so|therefore|thus|answer)\s+)(yes|no)[.!]?$/i;
const yesNoFirst = /^(yes|no)[,.;:!]/i;

/** The only number of a sentence, where it ends it or counts what the question names: "the answer is 5", "there are 5 dogs". */
function numberIn(sentence: string, question: string): string | undefined {
  const words = normalize(sentence).split(" ");
  const numbers = words.flatMap((word, i) => (asQuantity(word) ? [i] : []));
  const [at] = numbers;
  if (at === undefined || numbers.length > 1) return undefined;
  const next = words[at + 1];
  // Dog and dogs are one thing.
  const isAsked = (word: string) =>
    normalize(question)
      .split(" ")
      .some((asked) => asked.slice(0, 4) === word.slice(0, 4));
  return next === undefined || isAsked(next) ? words[at] : undefined;
}

function withoutBoxes(text: string): string {
  return findQuadruples(text).reduceRight((rest, { start, end }) => rest.slice(0, start) + rest.slice(end), text);
}
