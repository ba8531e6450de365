/** @file Options of multiple-choice questions: from a row's columns into the question, and out of a question that lists them. */
import { z } from "zod";

const LETTERS = ["A", "B", "C", "D", "E", "F", "G", "H"] as const;

const option = z.string().optional();

/** The columns `A`, `B`, … of a VLMEvalKit row; the first two make it multiple choice. */
export const optionColumns = {
  A: z.string(),
  B: z.string(),
  C: option,
  D: option,
  E: option,
  F: option,
  G: option,
  H: option,
};

/** The options of a row with such columns. pandas writes a missing one as nothing or as `nan`. */
export function optionsOf(row: z.infer<z.ZodObject<typeof optionColumns>>): string[] {
  return LETTERS.map((letter) => row[letter]?.trim() ?? "").filter((choice) => choice !== "" && choice !== "nan");
}

/** The question with its options below it, as MathVista writes them. */
export function withOptions(question: string, choices: readonly string[]): string {
  return `${question.trim()}\nChoices:\n${choices.map((choice, i) => `(${LETTERS[i]}) ${choice}`).join("\n")}`;
}

/** The options at the end of a question that lists them as `Options: A: red, B: blue`; undefined when it lists none. */
export function listedOptions(question: string): string[] | undefined {
  let rest = /\bOptions:\s*A:\s*(.*)$/s.exec(question)?.[1];
  const choices: string[] = [];
  for (const letter of LETTERS.slice(1)) {
    const next = rest === undefined ? null : new RegExp(`[,;]?\\s+${letter}:\\s`).exec(rest);
    if (!next) break;
    choices.push(rest!.slice(0, next.index));
    rest = rest!.slice(next.index + next[0].length);
  }
  return choices.length > 0 ? [...choices, rest!.trim()] : undefined;
}
