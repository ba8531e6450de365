/** @file Numbers in answers: digits, words, fractions, percents and units, so that "two", "2.0" and "4/2" are equal. */

/** A number someone wrote. */
export interface Quantity {
  readonly value: number;
  /** Digits after the point; undefined for a fraction, which is exact. */
  readonly decimals: number | undefined;
  /** Canonical unit (`cm`, `%`, `$`), if one that is known follows or precedes the number. */
  readonly unit: string | undefined;
}

const units: Readonly<Record<string, string>> = Object.fromEntries(
  [
    "mm millimeter millimeters millimetre millimetres",
    "cm centimeter centimeters centimetre centimetres",
    "m meter meters metre metres",
    "km kilometer kilometers kilometre kilometres",
    "in inch inches",
    "ft foot feet",
    "mi mile miles",
    "g gram grams",
    "kg kilogram kilograms",
    "lb lbs pound pounds",
    "s sec secs second seconds",
    "min mins minute minutes",
    "h hr hrs hour hours",
    "day days",
    "year years",
    "° degree degrees deg",
    "% percent",
    "$ dollar dollars usd",
  ].flatMap((line) => {
    const names = line.split(" ");
    return names.map((name) => [name, names[0]!]);
  }),
);

const small =
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(
    " ",
  );
const tens = "twenty thirty forty fifty sixty seventy eighty ninety".split(" ");
const numerals = new Map<string, number>([
  ...small.map((word, i): [string, number] => [word, i]),
  ...tens.map((word, i): [string, number] => [word, 20 + 10 * i]),
]);
const multipliers = new Map([
  ["hundred", 100],
  ["dozen", 12],
  ["thousand", 1_000],
  ["million", 1_000_000],
]);
const vulgar: Readonly<Record<string, string>> = {
  "½": "1/2",
  "¼": "1/4",
  "¾": "3/4",
  "⅓": "1/3",
  "⅔": "2/3",
  "⅛": "1/8",
};
const spoken: readonly [RegExp, string][] = [
  [/\b(?:one|a) half\b|\bhalf\b/g, "1/2"],
  [/\b(?:one|a) third\b/g, "1/3"],
  [/\b(?:one|a) quarter\b/g, "1/4"],
  [/\btwo thirds\b/g, "2/3"],
  [/\bthree quarters\b/g, "3/4"],
];

const digits = String.raw`(?:\d{1,3}(?:,\d{3})+(?![\d,])|\d+)(?:\.\d+)?|\.\d+`;
const word = [...numerals.keys(), ...multipliers.keys()].join("|");
const wordNumber = new RegExp(`\\b(?:a )?(?:${word})(?:(?:-| and | )(?:${word}))*\\b`, "g");
const quantity = new RegExp(
  String.raw`(\$\s*)?(?<![\w.])([-−]?)(?:(?:(\d+)\s+)?(\d+)\s*/\s*(\d+)|(${digits}))(?![\d])(?:\s*(%|°|[a-z]+\b))?`,
  "g",
);

/** Every number in a text, in order. */
export function quantities(text: string): Quantity[] {
  return [...plain(text).matchAll(quantity)].map(toQuantity);
}

/** The number that a whole text is, with or without a unit; undefined when the text is more or other than that. */
export function asQuantity(text: string): Quantity | undefined {
  const whole = plain(text).trim().replace(/\.$/, "");
  const [match, ...more] = [...whole.matchAll(quantity)];
  if (!match || more.length > 0 || match[0].length !== whole.length) return undefined;
  const found = toQuantity(match);
  return match[7] === undefined || units[match[7]] ? found : undefined;
}

/**
 * Whether a given number is the wanted one. A missing unit is forgiven, a different one is not; 50 % is 0.5; a number given
 * with more decimals than wanted may be rounded to it, and a wanted fraction may be given rounded to two or more decimals.
 */
export function sameQuantity(given: Quantity, wanted: Quantity): boolean {
  if (given.unit && wanted.unit && given.unit !== wanted.unit) return false;
  if (close(given, wanted)) return true;
  if (given.unit === "%" && !wanted.unit)
    return close({ ...given, value: given.value / 100, decimals: undefined }, wanted);
  if (wanted.unit === "%" && !given.unit)
    return close(given, { ...wanted, value: wanted.value / 100, decimals: undefined });
  return false;
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
  const [, dollar, minus, whole, numerator, denominator, decimal, after] = match;
  const written = decimal?.replaceAll(",", "");
  const value = written === undefined ? Number(whole ?? 0) + Number(numerator) / Number(denominator) : Number(written);
  return {
    value: minus ? -value : value,
    decimals: written === undefined ? undefined : (written.split(".")[1]?.length ?? 0),
    unit: dollar ? "$" : after === undefined ? undefined : units[after],
  };
}

/** Lower case, with number words and vulgar fractions as digits. */
function plain(text: string): string {
  let out = text.toLowerCase().replace(/[½¼¾⅓⅔⅛]/g, (char) => ` ${vulgar[char]}`);
  for (const [pattern, digits] of spoken) out = out.replace(pattern, digits);
  return out.replace(wordNumber, (words) => String(wordsToNumber(words)));
}

function wordsToNumber(words: string): number {
  let total = 0;
  let group = 0;
  for (const part of words.split(/[- ]/)) {
    const multiplier = multipliers.get(part);
    if (multiplier === undefined) group += numerals.get(part) ?? 0;
    else if (multiplier < 1000) group = Math.max(1, group) * multiplier;
    else {
      total += Math.max(1, group) * multiplier;
      group = 0;
    }
  }
  return total + group;
}
