/** @file What a rule of the alarms sees and finds, and the sums over steps that rules are made of. */
import type { Alarm, Metrics, Signs } from "../run/lines.ts";
import { mean } from "../util/arrays.ts";

/** The steps of a run that rules compare. */
export interface History {
  /** The run's first steps; empty while the run is too short to compare with them. */
  readonly first: readonly Metrics[];
  /** The latest steps. */
  readonly recent: readonly Metrics[];
}

/** An alarm but for the step at which it began. */
export type Symptom = Omit<Alarm, "since">;

/** What one rule finds: nothing where all is well, and where too little is known. */
export type Rule = (history: History) => Symptom | undefined;

/** The sum of a count over steps; those that lack it, in runs of older versions, add nothing. */
export function total(lines: readonly Metrics[], count: (signs: Signs) => number): number {
  return lines.reduce((sum, { signs }) => sum + (signs ? count(signs) : 0), 0);
}

/** The finite values of a quantity over steps. */
export function valuesOf(lines: readonly Metrics[], pick: (line: Metrics) => number | null | undefined): number[] {
  return lines.map(pick).filter((value): value is number => Number.isFinite(value));
}

/** Their mean; undefined where no step has one. */
export function meanOf(lines: readonly Metrics[], pick: (line: Metrics) => number | null | undefined) {
  const values = valuesOf(lines, pick);
  return values.length > 0 ? mean(values) : undefined;
}

/** E.g. `steps 23 to 30`. */
export function span(lines: readonly Metrics[]): string {
  return `steps ${lines[0]!.step} to ${lines.at(-1)!.step}`;
}

/** A share for a reader, e.g. `12 %`. */
export function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}
