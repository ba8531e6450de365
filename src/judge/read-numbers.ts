/** @file Numbers in answers: digits, words, fractions, percents and units, so that "two", "2.0" and "4/2" are equal. */

import { hasAlternative, isAsserted } from "./bounds.ts";
import { wordsOf } from "./normalize.ts";
import { wordsToDigits } from "./number-words.ts";
import { UNIT, type Unit, unitOf } from "./units.ts";

/** A number someone wrote. */
export interface Quantity {
  readonly value: number;
  /** Digits after the point; undefined for a fraction, which is exact. */
  readonly decimals: number | undefined;
  /** The unit, if one that is known follows the number, or a currency sign stands before it. */
  readonly unit: Unit | undefined;
}

const vulgar = new Map([
  ["½", "1/2"],
  ["⅓", "1/3"],
  ["⅔", "2/3"],
  ["¼", "1/4"],
  ["¾", "3/4"],
  ["⅕", "1/5"],
  ["⅖", "2/5"],
  ["⅗", "3/5"],
  ["⅘", "4/5"],
  ["⅙", "1/6"],
  ["⅚", "5/6"],
  ["⅛", "1/8"],
  ["⅜", "3/8"],
  ["⅝", "5/8"],
  ["⅞", "7/8"],
]);

// "3 in the box" counts no inches.
const unit = String.raw`(?!in\s+\p{L})${UNIT}(?![\p{L}\p{N}])|[a-z](?=[.!]?\s*$)`;
// 1,234,567 in thousands, 12,34,567 in lakhs; a comma before fewer digits separates two numbers.
const grouped = String.raw`(?:\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d{2})+,\d{3})(?![\d,])`;
const decimal = String.raw`(?:${grouped}|\d+)(?:\.\d+)?(?:e[+-]?\d+(?!\w))?|\.\d+`;
const quantity = new RegExp(
  String.raw`(?<!(?!\p{Script=Han})[\p{L}\p{N}_.])([-−–]?)([$€£¥]\s*)?([-−]?)(?:(?:(\d+)\s+)?(\d+)\s*/\s*(\d+)|(${decimal}))(?!\d)(?:(?:[ -]*| of an? )(${unit}))?`,
  "gu",
);

const decimalComma = new RegExp(String.raw`(?<![\p{L}\p{N}.,])(\d+),(\d{1,2})(?= ?${unit})`, "gu");

/** Every number in a text, in order. */
export function quantities(text: string): Quantity[] {
  return numbersIn(plain(text)).map(({ quantity }) => quantity);
}

/** A number that a text says something is. */
export interface Stated extends Quantity {
  /** The word before it. */
  readonly before: string | undefined;
  /** The words behind it, to the next number. */
  readonly words: readonly string[];
  /** Whether it is a part of the number before it: "6, of which 4", "6, 4 of them". */
  readonly isPart: boolean;
  /** Whether it may be something else that is no number: "4 or none". */
  readonly hasAlternative: boolean;
}

const PART = /\bof (?:which|them|whom|these|those),?\s*$/;

/** Characters around a number that can be about it: long enough for a sentence, and few, for an answer may hold a thousand numbers. */
const NEAR = 200;

/**
 * The numbers that a text says something is: no bounds ("more than 3", "> 3", "3+", "3 or more") and none that it denies ("not 3").
 */
export function statedQuantities(text: string): Stated[] {
  const said = plain(text);
  const found = numbersIn(said);
  return found.flatMap(({ quantity, index, end }, i) => {
    const around = [said.slice(Math.max(0, index - NEAR), index), said.slice(end, end + NEAR)] as const;
    if (!isAsserted(...around)) return [];
    const words = wordsOf(said.slice(end, found[i + 1]?.index));
    const isPart = PART.test(around[0]) || PART.test(words.slice(0, 2).join(" "));
    const before = /(\p{L}+)\s*[:=]?\s+$/u.exec(around[0])?.[1];
    return [{ ...quantity, before, words, isPart, hasAlternative: hasAlternative(...around) }];
  });
}

/** The number that a whole text is, with or without a unit; undefined when the text is more or other than that. */
export function asQuantity(text: string): Quantity | undefined {
  const whole = plain(text).trim().replace(/\.$/, "");
  const [number, ...more] = numbersIn(whole);
  return number && more.length === 0 && number.end - number.index === whole.length ? number.quantity : undefined;
}

interface Found {
  readonly quantity: Quantity;
  readonly index: number;
  readonly end: number;
}

/** The numbers of a plain text with their places; "1 hour and 30 minutes" is one. */
function numbersIn(text: string): Found[] {
  const found: Found[] = [];
  for (const match of text.matchAll(quantity)) {
    const [next, before] = [toQuantity(match), found.at(-1)];
    const end = match.index + match[0].length;
    const isPart =
      before && /^,?\s*(?:and\s+)?$/.test(text.slice(before.end, match.index)) && isPartOf(next, before.quantity);
    if (isPart) found[found.length - 1] = { quantity: plus(before.quantity, next), index: before.index, end };
    else found.push({ quantity: next, index: match.index, end });
  }
  return found;
}

/** Whether the second is less than one of the first in a smaller unit of its kind: 30 minutes behind 1 hour. */
function isPartOf({ value, unit: small }: Quantity, { value: whole, unit: large, decimals }: Quantity): boolean {
  if (!small || small.kind !== large?.kind || decimals !== 0) return false;
  return small.factor < large.factor && value * small.factor < large.factor && value >= 0 && whole >= 0;
}

function plus(large: Quantity, small: Quantity): Quantity {
  return {
    ...large,
    value: large.value + (small.value * small.unit!.factor) / large.unit!.factor,
    decimals: undefined,
  };
}

/**
 * Whether a given number is the wanted one. A missing unit is forgiven, one of another kind is not, one of the same kind
 * is converted: 100 cm is 1 m. 50 % is 50 and 0.5. A number given with more decimals than wanted may be rounded to it,
 * and a wanted fraction may be given rounded to two or more decimals.
 */
export function sameQuantity(given: Quantity, wanted: Quantity): boolean {
  if (given.unit && wanted.unit && !isDegree(given.unit, wanted.unit)) {
    if (given.unit.kind !== wanted.unit.kind) return false;
    return close(times(given, given.unit.factor / wanted.unit.factor), wanted);
  }
  if (close(given, wanted)) return true;
  if (given.unit?.kind === "share") return close(times(given, 0.01), wanted);
  if (wanted.unit?.kind === "share") return close(given, times(wanted, 0.01));
  return false;
}

/** "20 degrees" may be of any scale. */
function isDegree(...[a, b]: readonly [Unit, Unit]): boolean {
  const isScale = ({ kind }: Unit) => kind === "celsius" || kind === "fahrenheit";
  return (isScale(a) && b.kind === "angle") || (a.kind === "angle" && isScale(b));
}

/** A quantity converted: what was exact to some decimals is that no more, but for percents, which move the point. */
function times({ decimals, ...quantity }: Quantity, rate: number): Quantity {
  const moved = rate === 1 ? decimals : rate === 0.01 && decimals !== undefined ? decimals + 2 : undefined;
  return { ...quantity, value: quantity.value * rate, decimals: moved };
}

function close(given: Quantity, wanted: Quantity): boolean {
  const gap = Math.abs(given.value - wanted.value);
  if (gap <= 1e-9 * Math.max(1, Math.abs(wanted.value))) return true;
  const half = (decimals: number) => 0.5 * 10 ** -decimals;
  if (wanted.decimals === undefined) return (given.decimals ?? 0) >= 2 && gap <= half(given.decimals!) * (1 + 1e-9);
  if (wanted.decimals < 1 || (given.decimals ?? Number.POSITIVE_INFINITY) <= wanted.decimals) return false;
  // 0.65 rounds to 0.7, and 0.75 does not.
  const isLarger = Math.abs(given.value) > Math.abs(wanted.value);
  return gap <= half(wanted.decimals) * (isLarger ? 1 - 1e-9 : 1 + 1e-9);
}

function toQuantity(match: RegExpMatchArray): Quantity {
  const [, sign, currency, innerSign, whole, numerator, denominator, written, name] = match;
  const digits = written?.replaceAll(",", "");
  const value = digits === undefined ? Number(whole ?? 0) + Number(numerator) / Number(denominator) : Number(digits);
  const [mantissa, exponent] = digits?.split("e") ?? [];
  const places = (mantissa?.split(".")[1]?.length ?? 0) - Number(exponent ?? 0);
  return {
    value: sign || innerSign ? -value : value,
    decimals: digits === undefined ? undefined : Math.max(0, places),
    unit: unitOf(currency?.trim() ?? name ?? ""),
  };
}

/** Lower case, with everything that spells a number as digits: words, vulgar fractions, powers of ten, thin spaces. */
function plain(text: string): string {
  const lower = text
    .toLowerCase()
    .replace(/[½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞]/g, (char) => ` ${vulgar.get(char)}`)
    .replace(/(?<=\d)(?:\\,|\{,\}|[\u00a0\u2009\u202f])(?=\d{3}(?!\d))/g, "")
    // A blank may part two numbers: it groups digits where they are all there is.
    .replace(/^\s*\d{1,3}(?: \d{3})+(?=\s*[^\d\s]*\s*$)/, (digits) => digits.replaceAll(" ", ""))
    .replace(/(?<![\d.,])\d{1,3}(?:\.\d{3})+,\d+(?![\d.,])/g, (digits) => digits.replaceAll(".", "").replace(",", "."))
    // "2,5 m" as many languages write it.
    .replace(decimalComma, "$1.$2")
    .replace(/\|\s*[-−]?(\d[\d.,]*)\s*\|/g, "$1")
    .replace(/\bper cent\b/g, "percent")
    // "$18/hour" as 18 $/hour.
    .replace(
      /([$€£¥])\s*(\d[\d.,]*)(?=\s?\/\s?\p{L}|\s+per\s|\s+an?\s+(?:hour|minute|day|week|month|year)\b)/gu,
      "$2 $1",
    )
    .replace(/(?<=\d)(?:k|bn)(?![\p{L}\p{N}])/gu, (scale) => (scale === "k" ? " thousand" : " billion"))
    .replace(/(\d+) ?h(?:rs?|ours?)? ?(\d+) ?m(?:in)?(?![\p{L}\p{N}])/gu, "$1 h $2 min")
    .replace(/[一二两三四五六七八九十](?=[个只条张辆名位头匹朵把本])/g, (numeral) =>
      String("一二三四五六七八九十".indexOf(numeral === "两" ? "二" : numeral) + 1),
    )
    .replace(/(\d[\d.]*)((?: ?°[cf]?| degrees?)?) below (?:zero|0)\b/g, "-$1$2")
    .replace(/\\%/g, "%");
  return wordsToDigits(inPlainUnits(lower))
    .replace(/(?<!\d\s*)\b(?:minus|negative) (?=[$€£¥]?[\d.])/g, "-")
    .replace(
      /(?<=\d)\s*(?:×|x|\*|\\times|\\cdot)\s*10\s?\^\s?\{?([-−]?\d+)\}?/g,
      (_, power: string) => `e${power.replace("−", "-")}`,
    )
    .replace(/(?<![\d.])10\s?\^\s?\{?([-−]?\d+)\}?/g, (_, power: string) => `1e${power.replace("−", "-")}`);
}

/** A text with degrees as ° and °C. */
export function inPlainUnits(text: string): string {
  return text
    .toLowerCase()
    .replace(/\^\\circ|\^\{\\circ\}| ?degrees? (?=celsius|fahrenheit)/g, "°")
    .replace(/° ?(c|f)(?:elsius|ahrenheit)?\b/g, "°$1");
}
