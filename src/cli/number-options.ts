/** @file Numbers in command-line options: parsed at once, refused with the rule they break. */
import { InvalidArgumentError } from "commander";

/** A parser of numbers that are at least `least`. */
export function number(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !(value >= least)) throw new InvalidArgumentError(`Expected a number >= ${least}.`);
    return value;
  };
}

/** A parser of whole numbers that are at least `least`, and at most `most`. */
export function integer(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = number(least)(text);
    if (!Number.isSafeInteger(value)) throw new InvalidArgumentError("Expected a whole number.");
    if (value > most) throw new InvalidArgumentError(`Expected a number of at most ${most}.`);
    return value;
  };
}

/** A number above 0 and at most 1. */
export function share(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 1)) throw new InvalidArgumentError("Expected a number above 0 and at most 1.");
  return value;
}
