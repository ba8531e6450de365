/** @file Whether a response gives the wanted number, ratio or list of numbers, in whatever form either is written. */

import { statedAnswer } from "./commitment.ts";
import { committedNumbers, markedNumbers } from "./committed-numbers.ts";
import { asQuantity, inPlainUnits, type Quantity, quantities, sameQuantity } from "./read-numbers.ts";
import { UNIT, unitOf } from "./units.ts";

/** What a response must give: a number, the quotient of a ratio, or several numbers in their order. */
export type Numbers =
  | { readonly form: "number" | "ratio"; readonly value: Quantity }
  | { readonly form: "list"; readonly values: readonly Quantity[] }
  | { readonly form: "set"; readonly values: readonly Quantity[] };

/** The numbers that a right answer is; undefined where it is something else. */
export function numbersWanted(wanted: string, question: string): Numbers | undefined {
  const values = asList(wanted);
  if (values) return { form: wanted.startsWith("{") ? "set" : "list", values };
  const ratio = asRatio(wanted, question);
  if (ratio) return { form: "ratio", value: ratio };
  const value = numberWanted(wanted, question);
  return value && { form: "number", value };
}

/**
 * Whether a response, and what it claims bare of what is around that, gives these numbers; undefined where it gives none or several.
 */
export function givesNumbers(response: string, claim: string, wanted: Numbers, question: string): boolean | undefined {
  if (wanted.form === "list") {
    // "2 to 6" is a range.
    const isOpen = /\bor\b|\d\s*(?:to\b|[-–—])\s*\d/i.test(claim);
    return isOpen ? undefined : sameList(quantities(claim), wanted.values);
  }
  if (wanted.form === "set") return sameList(quantities(claim).sort(byValue), [...wanted.values].sort(byValue));
  if (wanted.form === "ratio") return sameNumber(quantities(withFractions(claim)), wanted.value);
  const marked = statedAnswer(claim) === undefined ? markedNumbers(response) : [];
  if (marked.length > 0) return sameNumber(marked, wanted.value);
  const plain = isPart(wanted.value) ? claim.replace(OUT_OF, "$1/$2") : claim;
  return sameNumber(committedNumbers(plain, question), wanted.value);
}

const RATIO = /(\d+)\s*(?::|\bto\b)\s*(\d+(?:[, ]\d{3})*)/g;

/** A text with "2:3" and "1 to 50,000" as fractions. */
function withFractions(text: string): string {
  return text.replace(RATIO, (_, over: string, under: string) => `${over}/${under.replace(/\D/g, "")}`);
}

/** The quotient of "2:3". What has two digits behind the colon is a time of day, unless it is asked for a ratio. */
function asRatio(wanted: string, question: string): Quantity | undefined {
  const isRatio =
    /^\d+\s*:\s*(?:\d|\d{3,}|\d+(?:[, ]\d{3})+)$/.test(wanted) || /\b(?:ratio|scale|odds|proportion)\b/i.test(question);
  return isRatio && /^\d+\s*:/.test(wanted) ? asQuantity(withFractions(wanted)) : undefined;
}

/** "2 out of 7", "1 in 6": a share, where a share is wanted. */
const OUT_OF = /\b(\d+)\s+(?:out\s+of|in)\s+(?:every\s+)?(\d+)\b/g;

function isPart({ value, unit, decimals }: Quantity): boolean {
  return unit?.kind === "share" || (unit === undefined && decimals !== 0 && value > 0 && value < 1);
}

/** The number that the right answer is, in the unit that the question names: "How many liters?", "… in cm?" */
function numberWanted(wanted: string, question: string): Quantity | undefined {
  // "221B" is a name.
  const number = /^\d+(?![VWLJNK])[A-Z]$/.test(wanted)
    ? undefined
    : asQuantity(wanted.replace(/^(?:by|in|at|for) (?=\S+(?: \S+)?$)/, "").replace(/^(\d+)(?:st|nd|rd|th)$/, "$1"));
  const [, many, measured] = unitAsked.exec(inPlainUnits(question)) ?? [];
  return number && { ...number, unit: number.unit ?? unitOf(many ?? measured ?? "") };
}

const unitAsked = new RegExp(`\\bhow many ?(${UNIT})(?![\\p{L}\\p{N}])|\\bin (${UNIT})(?=[,)?.]|\\s*$)`, "u");

const byValue = (a: Quantity, b: Quantity) => a.value - b.value;

/** The numbers of "[2, 0.5]", "(2, 0.5)" or "{2, 0.5}". */
function asList(wanted: string): Quantity[] | undefined {
  const items = /^[[({](.+,.+)[\])}]$/s.exec(wanted)?.[1]?.split(",").map(asQuantity);
  return items?.every((item) => item !== undefined) ? items : undefined;
}

function sameList(said: readonly Quantity[], wanted: readonly Quantity[]): boolean | undefined {
  return said.length === wanted.length ? said.every((each, i) => sameQuantity(each, wanted[i]!)) : undefined;
}

/** Right when all numbers are the wanted one, wrong when none is; of several, one of them right, nothing can be told. */
function sameNumber(given: readonly Quantity[], wanted: Quantity): boolean | undefined {
  const right = given.filter((each) => sameQuantity(each, wanted)).length;
  if (given.length === 0 || (right > 0 && right < given.length)) return undefined;
  return right > 0;
}
