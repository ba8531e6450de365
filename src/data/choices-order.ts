/** @file Whether a question lists its choices in the order in which the line gives them: a letter must mean one of them. */
import { shortened } from "../util/shortened.ts";

/**
 * What is wrong with `choices` beside a question that lists all of them, each behind its letter or number (`(A) cat`, `A. cat`,
 * `a: cat`, `1. cat`), as a phrase; undefined where their order is the same, or the question does not list them.
 */
export function choicesFault(question: string, choices: readonly string[]): string | undefined {
  const asked = choices.map((choice) => lettersBefore(choice, question));
  if (asked.some((letters) => letters.size === 0)) return undefined;
  if (asked.every((letters, i) => letters.has(letterOf(i)) || letters.has(String(i + 1)))) return undefined;
  const listed = choices.map((choice, i) => `${[...asked[i]!].join("/")}: ${choice}`).sort();
  return `stand in another order than in the question (${shortened(listed.join(", "))}); give them in that order`;
}

/** The letters and numbers that stand before a choice, in capitals. */
function lettersBefore(choice: string, question: string): Set<string> {
  const text = choice.trim().replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const listed = new RegExp(`(?<![\\p{L}\\p{N}])([A-Za-z]|\\d{1,2})[).:]\\s*${text}(?![\\p{L}\\p{N}]|\\.\\d)`, "gu");
  return new Set([...question.matchAll(listed)].map((match) => match[1]!.toUpperCase()));
}

function letterOf(index: number): string {
  return String.fromCharCode(65 + index);
}
