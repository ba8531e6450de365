/** @file Numbers in answers: digits, words, fractions, percents and units, so that "two", "2.0" and "4/2" are equal. */

import { wordsToDigits } from "./number-words.ts";
import { type Unit, units } from "./units.ts";

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

const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
const unitNames = [...units.keys()].sort((a, b) => b.length - a.length).map(escaped);
// "3 in the box" counts no inches.
const unit = `(?!in\\s+\\p{L})(?:${unitNames.join("|")})(?![\\p{L}\\p{N}])`;
// 1,234,567 in thousands, 12,34,567 in lakhs; a comma before fewer digits separates two numbers.
const grouped = String.raw`(?:\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d{2})+,\d{3})(?![\d,])`;
const decimal = String.raw`(?:${grouped}|\d+)(?:\.\d+)?(?:e[+-]?\d+(?!\w))?|\.\d+`;
const quantity = new RegExp(
  String.raw`(?<![\p{L}\p{N}_.])([-−–]?)([$€£¥]\s*)?([-−]?)(?:(?:(\d+)\s+)?(\d+)\s*/\s*(\d+)|(${decimal}))(?!\d)(?:[ -]*(${unit}))?`,
  "gu",
);

const decimalComma = new RegExp(String.raw`(?<![\p{L}\p{N}.,])(\d+),(\d{1,2})(?= ?${unit})`, "gu");

/** Every number in a text, in order. */
export function quantities(text: string): Quantity[] {
  return [...plain(text).matchAll(quantity)].map(toQuantity);
}

/** Whether what stands between these two texts is said, and neither denied nor a bound: "not 3", "more than 3", "3 or more". */
export function isAsserted(before: string, after: string): boolean {
  return !boundBefore.test(before) && !boundAfter.test(after) && !denies(before);
}

/** Whether a text denies what follows it: "I don't think there are". */
export function denies(before: string): boolean {
  return deniedBefore.test(before.toLowerCase());
}

/** What makes the number behind it a bound, or denies it. */
const boundBefore = new RegExp(
  String.raw`(?:\b(?:${[
    "(?:more|less|\\p{L}+er) than(?: or equal to)?",
    "at (?:least|most)|(?:min|max)(?:imum)?\\.?(?: of)?|as (?:many|few|much|little) as|up to|upwards? of|in excess of|exceed(?:s|ing)|beyond",
    "over|under|above|below|before|after|since|until|from|almost|nearly",
    "(?:anything|everything|all) but|except(?: for)?|never|hardly|not(?: exactly| just| quite| at| on| in)?",
  ].join("|")})\s|n['’]t(?: exactly| just| quite)?\s|[<>≤≥]=?|\\[gl]eq?\s)\s*$`,
  "u",
);
/** "I don't think there are 3", "I doubt that it is 3". */
const deniedBefore =
  /(?:(?:\b(?:can)?not|n['’]t|\bnever)(?: \w+){0,2} (?:think|believe|see|count|find|say|suppose|agree|have|show|contain)|\bdoubt)\b(?:(?!\bbut\b)[^.,;:!?])*$/;
/** What makes the number before it a bound. */
const boundAfter =
  /^(?:\s*\+(?!\s*\d)|\s*[<>≤≥]|(?:\s+\p{L}+)?\s+(?:(?:or|and) (?:more|less|fewer|greater|larger|higher|lower|above|below|up|over|beyond)|at (?:the )?(?:(?:very )?(?:least|most)|latest|earliest)|(?:min|max)(?:imum)?)\b)/u;

/**
 * The numbers that a text says something is: no bounds ("more than 3", "> 3", "3+", "3 or more") and none that it denies ("not 3").
 */
export function statedQuantities(text: string): Quantity[] {
  const said = plain(text);
  return [...said.matchAll(quantity)].flatMap((match) => {
    const [before, after] = [said.slice(0, match.index), said.slice(match.index + match[0].length)];
    // Both ends of "from 3 to 4" count: none of them is the answer.
    const isRange = /^\s*(?:to|[-–—])\s*\d/.test(after);
    const bounded = (boundBefore.test(before) && !isRange) || boundAfter.test(after);
    return bounded || denies(before) ? [] : [toQuantity(match)];
  });
}

/** The number that a whole text is, with or without a unit; undefined when the text is more or other than that. */
export function asQuantity(text: string): Quantity | undefined {
  const whole = plain(text).trim().replace(/\.$/, "");
  const [match, ...more] = [...whole.matchAll(quantity)];
  if (!match || more.length > 0 || match[0].length !== whole.length) return undefined;
  return toQuantity(match);
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
  const half = (decimals: number) => 0.5 * 10 ** -decimals * (1 + 1e-9);
  if (wanted.decimals === undefined) return (given.decimals ?? 0) >= 2 && gap <= half(given.decimals!);
  return (
    wanted.decimals >= 1 &&
    (given.decimals ?? Number.POSITIVE_INFINITY) > wanted.decimals &&
    gap <= half(wanted.decimals)
  );
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
    unit: units.get(currency?.trim() ?? name ?? ""),
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
    // "2,5 m" as many languages write it.
    .replace(decimalComma, "$1.$2")
    .replace(/\bper cent\b/g, "percent")
    .replace(/\\%/g, "%")
    .replace(/\^\\circ|\^\{\\circ\}| ?degrees? (?=celsius|fahrenheit)/g, "°")
    .replace(/° ?(c|f)(?:elsius|ahrenheit)?\b/g, "°$1");
  return wordsToDigits(lower)
    .replace(
      /(\d+) dollars?(?: and)? (\d{1,2}) cents?\b/g,
      (_, whole, cents: string) => `$${whole}.${cents.padStart(2, "0")}`,
    )
    .replace(/(?<!\d\s*)\b(?:minus|negative) (?=[$€£¥]?[\d.])/g, "-")
    .replace(
      /(?<=\d)\s*(?:×|x|\*|\\times|\\cdot)\s*10\s?\^\s?\{?([-−]?\d+)\}?/g,
      (_, power: string) => `e${power.replace("−", "-")}`,
    )
    .replace(/(?<![\d.])10\s?\^\s?\{?([-−]?\d+)\}?/g, (_, power: string) => `1e${power.replace("−", "-")}`);
}
