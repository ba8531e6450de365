/**
 * @file Text as Python sees it. Rewards must give the same number as the original's Python on any text, and the two
 * languages disagree on white space (Python has \x1c-\x1f and \x85, JavaScript has the byte order mark), on `\d`, `\w`
 * and `\b` (Unicode in Python), and on what an integer may look like.
 */

/** Character classes of Python's `re` on `str`, to be put between brackets of a regular expression with the `u` flag. */
export const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
export const DIGIT = "\\p{Nd}";
export const WORD = "\\p{L}\\p{N}_";

const spaces = new RegExp(`[${SPACE}]+`, "u");
const outerSpaces = new RegExp(`^[${SPACE}]+|[${SPACE}]+$`, "gu");
const integer = new RegExp(`^[+-]?${DIGIT}+(?:_${DIGIT}+)*$`, "u");
const digits = new RegExp(DIGIT, "gu");

/** `text.split()`: the words between runs of white space, none empty. */
export function words(text: string): string[] {
  return text.split(spaces).filter((word) => word !== "");
}

/** `text.strip()`. */
export function strip(text: string): string {
  return text.replace(outerSpaces, "");
}

/** `len(text)`: code points, where JavaScript's `length` counts UTF-16 units. */
export function length(text: string): number {
  return [...text].length;
}

/** `int(text)`, or undefined where Python raises ValueError. Accepts decimal digits of any script, as Python does. */
export function int(text: string): number | undefined {
  const stripped = strip(text);
  if (!integer.test(stripped)) return undefined;
  return Number(stripped.replaceAll("_", "").replace(digits, digitValue));
}

const digit = new RegExp(`^${DIGIT}$`, "u");

// Every script's digits stand in runs of ten from zero to nine, so the distance to the run's first digit tells the value.
function digitValue(char: string): string {
  const code = char.codePointAt(0)!;
  let distance = 0;
  while (digit.test(String.fromCodePoint(code - distance - 1))) distance++;
  return String(distance % 10);
}
