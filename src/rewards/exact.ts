/**
 * @file The judge `exact`: right or wrong by rule, offline and repeatable. It understands yes/no, numbers, option letters,
 * boxes and short text; it does not understand synonyms or paraphrase, which it calls wrong. It never rewards hedging: an
 * answer that names several values is held to the one it commits to, and is wrong when it commits to none.
 */

import { box, boxF1 } from "../boxes.ts";
import type { Judge, JudgeRequest } from "./judge.ts";
import { clean, normalize } from "./normalize.ts";
import { asQuantity, quantities, sameQuantity } from "./numbers.ts";
import { choicesIn, chosenOption } from "./options.ts";
import { findQuadruples } from "./parse.ts";

/** The deterministic judge; scores are 0 or 1. */
export const exactJudge: Judge = { name: "exact", judge: async (request) => (isRight(request) ? 1 : 0) };

/** Whether a response is the right answer, by the rule that the right answer's form calls for. */
export function isRight({ question, answer, response, choices: given }: JudgeRequest): boolean {
  const said = clean(response);
  const wanted = clean(answer);
  if (said === "") return false;
  const choices = given ?? choicesIn(question);
  if (choices.length > 0) {
    const option = chosenOption(said, choices);
    if (option !== undefined) return option === optionWanted(wanted, choices);
    // The response names no option, so it is held to the wanted option's text.
    return sameAnswer(said, choices[optionWanted(wanted, choices) ?? -1] ?? wanted);
  }
  return sameAnswer(said, wanted);
}

/** The wanted option: its text if one option has it, or else its letter. */
function optionWanted(wanted: string, choices: readonly string[]): number | undefined {
  const index = choices.findIndex((choice) => normalize(choice) === normalize(wanted));
  return index >= 0 ? index : chosenOption(wanted, choices);
}

function sameAnswer(said: string, wanted: string): boolean {
  if (normalize(said) === normalize(wanted)) return true;
  const boxes = findQuadruples(wanted);
  if (boxes.length > 0) return sameBoxes(said, wanted);
  const polarity = asPolarity(normalize(wanted));
  if (polarity !== undefined) return polarity === saidPolarity(said);
  const number = asQuantity(wanted);
  if (number) {
    const committed = committedNumbers(said);
    return committed.length > 0 && committed.every((each) => sameQuantity(each, number));
  }
  if (/^[A-H]$/.test(wanted)) return chosenOption(said, "ABCDEFGH".split("")) === wanted.charCodeAt(0) - 65;
  return normalize(afterCopula(said)) === normalize(wanted);
}

/** Boxes on both sides, in the same space, match one to one at IoU 0.5. */
function sameBoxes(said: string, wanted: string): boolean {
  const boxesIn = (text: string) =>
    findQuadruples(text).map(({ numbers }) => box("image", ...(numbers as [number, number, number, number])));
  return boxF1(boxesIn(said), boxesIn(wanted), 0.5) === 1;
}

function asPolarity(text: string): boolean | undefined {
  if (text === "yes" || text === "true") return true;
  if (text === "no" || text === "false") return false;
  return undefined;
}

/** What a sentence says to a yes/no question: its first word if that settles it, else the one polarity it mentions. */
function saidPolarity(said: string): boolean | undefined {
  const words = normalize(said).split(" ");
  const first = asPolarity(words[0]!);
  if (first !== undefined) return first;
  const polarities = new Set(words.map(asPolarity).filter((polarity) => polarity !== undefined));
  if (polarities.size === 1) return [...polarities][0];
  return polarities.size === 0 && /\bnot\b|n't\b/i.test(said) ? false : undefined;
}

/** The numbers an answer commits to: those after "answer is" or "=", or else all it names; "no" and "none" are 0. */
function committedNumbers(said: string) {
  const conclusion = /.*(?:\banswer(?: is|:)|\btotal of|=)(.*)/is.exec(said)?.[1];
  const numbers = quantities(conclusion ?? said);
  if (numbers.length > 0 || conclusion !== undefined) return numbers;
  return /^(?:no|none|nothing)\b|\bare (?:no|none)\b|\bis (?:no|none)\b/i.test(said) ? quantities("0") : [];
}

/** "The animal is a cow" commits to "a cow"; "It is not a cow" keeps its "not". */
function afterCopula(said: string): string {
  return /^(?:[^.,;:!?]*?\b(?:is|are|was|were)\b|(?:the )?answer:)\s*(.+)$/is.exec(said)?.[1] ?? said;
}
