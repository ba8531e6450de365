/** @file What is wrong with the words of a line, whatever image they are about: question, answer and choices must agree. */
import type { Task } from "../records.ts";
import type { Faults } from "../util/faults.ts";
import { shortened } from "../util/shortened.ts";
import { choicesFault } from "./choices-order.ts";

/**
 * What other programs write where an image goes: `<image>`, `<image_0>`, `[IMG]`, `{image}`, `![](a.png)`.
 * "<image 1>" is a word about an image, as in MMStar. Control tokens are the tokenizer's matter.
 */
const PLACEHOLDER = new RegExp(
  [
    String.raw`<\/?(?:image|img|video|audio)(?:_?(?:\d+|start|end|pad|token|soft_token|context|here|placeholder))?\s*\/?>`,
    String.raw`\[(?:img|image)(?:_?\d+)?\]|\{\{?\s*image\s*\}?\}|!\[[^\]]*\]\([^)]*\)`,
  ].join("|"),
  "i",
);

export interface LineWords {
  readonly question: string;
  readonly answer: string;
  readonly choices?: readonly string[] | null | undefined;
}

/** Adds what is wrong with a line's words: a placeholder in the question, an answer that is no count, choices out of order. */
export function checkWords({ question, answer, choices }: LineWords, task: Task, where: string, faults: Faults): void {
  const placeholder = PLACEHOLDER.exec(question)?.[0];
  if (placeholder !== undefined) {
    const why = "which the model would read as text: the image stands before the question already";
    faults.add(`${where}: question`, `holds ${placeholder}, ${why}; remove it`);
  }
  if (task === "count" && !isCount(answer)) {
    const why = "is no count, and the data set asks to count";
    faults.add(`${where}: answer`, `${shortened(JSON.stringify(answer))} ${why}; write a whole number from 0 on`);
  }
  const misplaced = choices && choicesFault(question, choices);
  if (misplaced) faults.add(`${where}: choices`, misplaced);
}

/** Whether an answer may be a count: a number, with or without its thing, is whole and not negative; words are left to the judge. */
function isCount(answer: string): boolean {
  const bare = answer.trim();
  if (/^(?:nan|[+-]?(?:inf(?:inity)?|∞))$/i.test(bare)) return false;
  const isNumber = /^[-+±]?[\d.,/–—-]*\d[\d.,/–—-]*(?:\s|$)/.test(bare) || (bare !== "" && !Number.isNaN(Number(bare)));
  return !isNumber || /^\+?\d[\d,]*(?:\s|$)/.test(bare);
}
