/** @file Multiple choice: the options a question lists, and the one a response picks. */

import { normalize } from "./normalize.ts";

/** The options listed in a question as `(A) cat (B) dog` or as lines `A. cat`; empty when it lists none. */
export function choicesIn(question: string): string[] {
  for (const pattern of [/\(([A-H])\)\s*([^\n]*?)\s*(?=\([A-H]\)|\n|$)/g, /^\s*([A-H])[.:)]\s+(.+?)\s*$/gm]) {
    const found = [...question.matchAll(pattern)];
    const inOrder = found.every((match, i) => match[1] === letter(i));
    if (found.length >= 2 && inOrder) return found.map((match) => match[2]!);
  }
  return [];
}

/**
 * Index of the option a response picks: by letter (`B`, `(B)`, `B. dog`, "option B", "the answer is B") or by its text.
 * Undefined when it picks none or several. A lower-case letter counts only when it is all there is: "a dog" is no option A.
 */
export function chosenOption(response: string, choices: readonly string[]): number | undefined {
  const byText = choices.flatMap((choice, i) => (normalize(choice) === normalize(response) ? [i] : []));
  if (byText.length === 1) return byText[0];
  const text = response.trim();
  const alone = /^\(?([A-Ha-h])\)?[.:]?$/.exec(text)?.[1];
  const leading = /^(?:\(([A-H])\)|([A-H])[.:)])(?=\s|$)/.exec(text);
  const stated = [...text.matchAll(/\b(?:option|choice|answer(?: is|:)?)\s+\(?([A-H])\b(?!')/g)].map(
    (match) => match[1]!,
  );
  const bracketed = [...text.matchAll(/\(([A-H])\)/g)].map((match) => match[1]!);
  const lead = alone ?? leading?.[1] ?? leading?.[2];
  const picks = new Set(lead !== undefined ? [lead.toUpperCase()] : stated.length > 0 ? stated : bracketed);
  const index = picks.size === 1 ? [...picks][0]!.charCodeAt(0) - 65 : -1;
  return index >= 0 && index < choices.length ? index : undefined;
}

function letter(index: number): string {
  return String.fromCharCode(65 + index);
}
