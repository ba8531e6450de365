/** @file The answers of an evaluation: what lists show of each, and whole ones by range. */

import { join } from "node:path";
import { answeredSchema, type ReadAnswer } from "../run/lines.ts";
import { IndexedLines } from "./indexed-lines.ts";
import { parseLine } from "./parse-line.ts";
import type { AnswerFact } from "./studio-data.ts";

export class EvaluationAnswers {
  readonly #lines: IndexedLines<AnswerFact>;

  /** Of the evaluation in a folder. */
  constructor(dir: string) {
    this.#lines = new IndexedLines(join(dir, "samples.jsonl"), remember);
  }

  /** Of each answer that can be read. */
  async facts(): Promise<AnswerFact[]> {
    await this.#lines.refresh();
    return this.#lines.facts.filter((fact) => fact !== undefined);
  }

  /** Whole answers by their lines; those that are damaged or not there are left out. */
  async read(lines: readonly number[]): Promise<ReadAnswer[]> {
    await this.#lines.refresh();
    const texts = await this.#lines.read(lines);
    return texts.flatMap((text) => (text === undefined ? [] : (parseLine(text, answeredSchema) ?? [])));
  }
}

function remember(text: string, line: number): AnswerFact | undefined {
  const answer = parseLine(text, answeredSchema);
  if (!answer) return undefined;
  const { id, set, dataset, question, acc, giou, unscored, rating } = answer;
  return {
    ...{ line, id, set, dataset, question, acc, giou },
    ...(unscored !== undefined && { unscored }),
    ...(rating !== undefined && { rating }),
  };
}
