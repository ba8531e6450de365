/** @file Formats numbers for readers, in the report and in the terminal. */

import { duration as wholeSeconds } from "../util/quantities.ts";

const MISSING = "–";

/** A value that a file may lack. */
export type Maybe = number | null | undefined;

/** A share as a percentage: 0.8512 → `85.1`. */
export function percent(share: Maybe): string {
  return known(share) ? minus((share * 100).toFixed(1)) : MISSING;
}

/** A difference of shares in percentage points, signed: 0.353 → `+35.3`. */
export function points(difference: Maybe): string {
  return known(difference) ? signed((difference * 100).toFixed(1)) : MISSING;
}

/** An intersection over union, or a reward: 0.7184 → `0.718`. */
export function fraction(value: Maybe): string {
  return known(value) ? minus(value.toFixed(3)) : MISSING;
}

/** A rating from 0 to 6: 3.125 → `3.13`. */
export function rating(value: Maybe): string {
  return known(value) ? value.toFixed(2) : MISSING;
}

/** Stands for a number from which samples are missing: 0.987 → `partial 98 %`. */
export function partial(coverage: number): string {
  // Rounded down, so that a part never shows as 100 %; the small addition absorbs an error in the last bit.
  return `partial ${Math.floor(100 * coverage + 1e-9)} %`;
}

/** A difference of intersections over union, signed: 0.7184 → `+0.718`. */
export function fractionGain(difference: Maybe): string {
  return known(difference) ? signed(difference.toFixed(3)) : MISSING;
}

/** A reward or an advantage, signed: 1.2 → `+1.20`. */
export function signed2(value: Maybe): string {
  return known(value) ? signed(value.toFixed(2)) : MISSING;
}

/** Any quantity in about three digits and without spaces: `0`, `2.61`, `148`, `12.3k`, `4.1e−6`. */
export function compact(value: Maybe): string {
  if (!known(value)) return MISSING;
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size < 1e-3) return minus(value.toExponential(1));
  if (size < 10) return minus(value.toFixed(size < 0.1 ? 4 : size < 1 ? 3 : 2));
  if (size < 1000) return minus(value.toFixed(size < 100 ? 1 : 0));
  if (size < 1e6) return minus(`${(value / 1e3).toFixed(1)}k`);
  return size < 1e9 ? minus(`${(value / 1e6).toFixed(1)}M`) : minus(value.toExponential(1));
}

/** A duration, short ones to a tenth of a second: 4.21 → `4.2 s`, 125 → `2 min 05 s`, 7380 → `2 h 03 min`. */
export function duration(seconds: Maybe): string {
  if (!known(seconds)) return MISSING;
  return seconds < 10 ? `${seconds.toFixed(1)} s` : wholeSeconds(seconds);
}

/** Names in a sentence: `a`, `a and b`, `a, b and c`. */
export function listed(names: readonly string[]): string {
  if (names.length < 2) return names.join("");
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

/** Whether there is a value: files write `null` for what does not apply. */
export function known(value: Maybe): value is number {
  return value !== null && value !== undefined && Number.isFinite(value);
}

function signed(digits: string): string {
  return Number(digits) > 0 ? `+${digits}` : minus(digits);
}

/** Typographic minus, as wide as a plus; a rounded `-0.0` loses its sign. */
function minus(digits: string): string {
  return digits.startsWith("-") && Number.parseFloat(digits) === 0 ? digits.slice(1) : digits.replaceAll("-", "−");
}
