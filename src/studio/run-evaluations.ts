/** @file The evaluations in a run: their tables with intervals, what changed between two of them, and whole answers by range. */

import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { estimate } from "../evaluation/aggregate.ts";
import { pairedEstimate } from "../evaluation/compare-evaluations.ts";
import { answeredSchema, type ReadAnswer } from "../run/lines.ts";
import { IndexedLines } from "./indexed-lines.ts";
import { parseLine } from "./parse-line.ts";
import type { AnswerFact, EvaluatedMetric, EvaluatedSet, EvaluationTable } from "./studio-data.ts";

/** The evaluations of one run: the folders in its `eval/` that hold answers. */
export class RunEvaluations {
  readonly #folder: string;
  readonly #indices = new Map<string, IndexedLines<AnswerFact>>();
  /** The last table, which takes a second to make, and of which answers it was made. */
  #table: { readonly of: string; readonly table: Promise<EvaluationTable> } | undefined;

  constructor(run: string) {
    this.#folder = join(run, "eval");
  }

  /** Their names, in order. */
  async names(): Promise<string[]> {
    const names = await readdir(this.#folder).catch(() => []);
    return names.filter((name) => existsSync(join(this.#folder, name, "samples.jsonl"))).sort();
  }

  /** What lists show of each answer; undefined for one that is not there. */
  async answers(name: string): Promise<AnswerFact[] | undefined> {
    return (await this.#index(name))?.facts.filter((fact) => fact !== undefined);
  }

  /** Whole answers by their lines; those that are damaged or not there are left out. */
  async read(name: string, lines: readonly number[]): Promise<ReadAnswer[]> {
    const texts = (await (await this.#index(name))?.read(lines)) ?? [];
    return texts.flatMap((text) => (text === undefined ? [] : (parseLine(text, answeredSchema) ?? [])));
  }

  /** Every set of an evaluation, or of two: what changed is of the samples that both have. Undefined when one is not there. */
  async table(name: string, against?: string): Promise<EvaluationTable | undefined> {
    const first = await this.answers(name);
    const second = against === undefined ? undefined : await this.answers(against);
    if (!first || (against !== undefined && !second)) return undefined;
    const of = `${name} ${first.length}, ${against} ${second?.length}`;
    if (this.#table?.of !== of) this.#table = { of, table: tableOf(first, second) };
    return this.#table.table;
  }

  /** Only names that are there lead to a file. */
  async #index(name: string): Promise<IndexedLines<AnswerFact> | undefined> {
    if (!(await this.names()).includes(name)) return undefined;
    const index = this.#indices.get(name) ?? new IndexedLines(join(this.#folder, name, "samples.jsonl"), remember);
    this.#indices.set(name, index);
    await index.refresh();
    return index;
  }
}

function remember(text: string, line: number): AnswerFact | undefined {
  const answer = parseLine(text, answeredSchema);
  if (!answer) return undefined;
  const { id, set, dataset, question, image, acc, giou, unscored, rating } = answer;
  return {
    line,
    id,
    set,
    dataset,
    question,
    image,
    acc,
    giou,
    ...(unscored !== undefined && { unscored }),
    ...(rating !== undefined && { rating }),
  };
}

async function tableOf(
  first: readonly AnswerFact[],
  second: readonly AnswerFact[] | undefined,
): Promise<EvaluationTable> {
  const sets: EvaluatedSet[] = [];
  for (const set of new Set([...first, ...(second ?? [])].map((each) => each.set))) {
    const [a, b] = [first, second].map((answers) => answers?.filter((each) => each.set === set).map(measured));
    const metric = async (name: "acc" | "giou"): Promise<EvaluatedMetric> => ({
      first: a!.length > 0 ? await between(() => estimate(a!, name)) : null,
      second: b && b.length > 0 ? await between(() => estimate(b, name)) : null,
      gain: b && a!.length > 0 ? (await between(() => pairedEstimate(a!, b, name))).gain : null,
    });
    const samples = Math.max(a!.length, b?.length ?? 0);
    sets.push({ set, samples, acc: await metric("acc"), giou: await metric("giou") });
  }
  return { sets };
}

/** Computes after other requests have had their turn: an interval takes some tens of milliseconds. */
async function between<T>(compute: () => T): Promise<T> {
  await setImmediate();
  return compute();
}

/** An answer as the estimates read it; of the other metrics the table shows none. */
function measured({ id, set, dataset, acc, giou }: AnswerFact) {
  return { id, set, dataset, acc, giou, giouRaw: null, f1: null, choice: null, yesNo: null };
}
