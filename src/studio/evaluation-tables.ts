/** @file The table of one evaluation or two: each set's numbers with their intervals, and what changed for the samples that both have. */

import { setImmediate } from "node:timers/promises";
import { estimate } from "../evaluation/aggregate.ts";
import { pairedEstimate } from "../evaluation/compare-evaluations.ts";
import { measuredInRun } from "../evaluation/measured-in-run.ts";
import type { AnswerFact, EvaluatedMetric, EvaluatedSet, EvaluationTable } from "./studio-data.ts";

/** An evaluation by its address, with its answers. */
interface Answered {
  readonly id: string;
  readonly facts: readonly AnswerFact[];
}

/** Makes tables, and keeps the last one: it takes a second. */
export class EvaluationTables {
  #last: { readonly of: string; readonly table: Promise<EvaluationTable> } | undefined;

  /** Every set of an evaluation, or of two. */
  table(first: Answered, second?: Answered): Promise<EvaluationTable> {
    const of = [first, ...(second ? [second] : [])].map(({ id, facts }) => `${id} ${facts.length}`).join("\n");
    if (this.#last?.of !== of) this.#last = { of, table: tableOf(first.facts, second?.facts) };
    return this.#last.table;
  }
}

async function tableOf(
  first: readonly AnswerFact[],
  second: readonly AnswerFact[] | undefined,
): Promise<EvaluationTable> {
  const sets: EvaluatedSet[] = [];
  for (const set of new Set([...first, ...(second ?? [])].map((each) => each.set))) {
    const [a, b] = [first, second].map((answers) => answers?.filter((each) => each.set === set).map(measuredInRun));
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
