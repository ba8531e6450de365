/** @file Gathers everything that is wrong with an input, so that the user can fix it all at once. */
import { UserError } from "./errors.ts";

/** How many faults a message names; the others are counted. */
export const SHOWN = 10;

/** The faults of one input, in the order they were found. */
export class Faults {
  readonly #lines: string[] = [];

  /** @param where `file:line: key` or the like. @param what a phrase that follows it, e.g. `is missing` */
  add(where: string, what: string): void {
    this.#lines.push(`${where}: ${what}`);
  }

  /** @throws UserError naming the first faults and counting them all, when there are any */
  throwIfAny(input: string, remedy: string): void {
    if (this.#lines.length > 0) throw this.error(input, remedy);
  }

  /** The error that names the first faults and counts them all. */
  error(input: string, remedy: string): UserError {
    const count = this.#lines.length === 1 ? "one fault" : `${this.#lines.length} faults`;
    return new UserError([`${input}: ${count}`, ...firstFew(this.#lines)].join("\n  "), remedy);
  }
}

/** The first items of a list, and how many more there are. */
export function firstFew(items: readonly string[]): string[] {
  const rest = items.length - SHOWN;
  return rest > 0 ? [...items.slice(0, SHOWN), `… and ${rest} more`] : [...items];
}
