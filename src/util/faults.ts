/** @file Gathers everything that is wrong with an input, so that the user can fix it all at once. */
import { UserError } from "./errors.ts";

/** How many faults a message names; the others are counted. */
export const SHOWN = 10;

/** One fault, and where it is: `file:line: key`, or as much of it as there is. */
export interface Fault {
  readonly where: string;
  readonly what: string;
}

/** An error that names several faults, which programs read one by one. */
export class FaultyInput extends UserError {
  readonly faults: readonly Fault[];
  readonly remedy: string;

  constructor(message: string, faults: readonly Fault[], remedy: string) {
    super(message, remedy);
    this.faults = faults;
    this.remedy = remedy;
  }
}

/** The faults of one input, in the order they were found. */
export class Faults {
  readonly #faults: Fault[] = [];

  /** @param where `file:line: key` or the like. @param what a phrase that follows it, e.g. `is missing` */
  add(where: string, what: string): void {
    this.#faults.push({ where, what });
  }

  /** @throws FaultyInput naming the first faults and counting them all, when there are any */
  throwIfAny(input: string, remedy: string): void {
    if (this.#faults.length > 0) throw this.error(input, remedy);
  }

  /** The error that names the first faults and counts them all. */
  error(input: string, remedy: string): FaultyInput {
    const faults = [...this.#faults];
    const count = faults.length === 1 ? "one fault" : `${faults.length} faults`;
    const lines = faults.map(({ where, what }) => `${where}: ${what}`);
    return new FaultyInput([`${input}: ${count}`, ...firstFew(lines)].join("\n  "), faults, remedy);
  }
}

/** A line of a file, counted from 1, and what of it is meant. */
export interface LinePlace {
  readonly file: string;
  readonly line: number;
  /** Empty where the whole line is meant. */
  readonly key: string;
}

/** The parts of `file:line` or `file:line: key`; undefined for a place that is no line. */
export function linePlace(where: string): LinePlace | undefined {
  const [, file, line, key = ""] = /^(.+?):(\d+)(?:: (.*))?$/s.exec(where) ?? [];
  return file === undefined ? undefined : { file, line: Number(line), key };
}

/** The first items of a list, and how many more there are. */
export function firstFew(items: readonly string[]): string[] {
  const rest = items.length - SHOWN;
  return rest > 0 ? [...items.slice(0, SHOWN), `… and ${rest} more`] : [...items];
}
