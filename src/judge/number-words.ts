/** @file Numbers in words as digits: "one hundred and twenty" is 120, "two and a half" is 2 1/2, "3.5 million" 3500000. */

const list = (names: string) => names.split(" ");
const ones = list("one two three four five six seven eight nine");
const teens = list("ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen");
const tens = list("twenty thirty forty fifty sixty seventy eighty ninety");
const values = new Map<string, number>([
  ["zero", 0],
  ...ones.map((word, i): [string, number] => [word, 1 + i]),
  ...teens.map((word, i): [string, number] => [word, 10 + i]),
  ...tens.map((word, i): [string, number] => [word, 20 + 10 * i]),
]);
const scales = new Map([
  ["dozen", 12],
  ["hundred", 100],
  ["thousand", 1e3],
  ["million", 1e6],
  ["billion", 1e9],
]);
const parts = list("half third quarter fourth fifth sixth seventh eighth ninth tenth");
const denominators = new Map<string, number>(parts.map((word, i) => [word, [2, 3, 4, 4, 5, 6, 7, 8, 9, 10][i]!]));

// The grammar of a cardinal. Nothing but a multiple may be followed by "and": "two and three" are two numbers.
const any = (...patterns: string[]) => `(?:${patterns.join("|")})`;
const below100 = any(`${any(...tens)}(?:[- ]${any(...ones)})?`, ...teens, ...ones);
const below1000 = any(`(?:${any("a", below100)} )?hundred(?:(?: and)? ${below100})?`, below100);
const group = `(?:${any("a", below1000)} )?${any("thousand", "million", "billion")}`;
const cardinal = any(
  `(?:${any("a", below100)} )?dozen`,
  `${group}(?: ${group})*(?:(?: and)? ${below1000})?`,
  below1000,
  "zero",
);
const whole = new RegExp(`^${cardinal}$`);
const cardinals = new RegExp(`\\b${cardinal}\\b`, "g");
const fractions = new RegExp(
  `\\b(?:(an?|${ones.join("|")})[- ])?(half)\\b|\\b(an?|${ones.join("|")})[- ](${parts.join("|")}|halve)s?\\b(?! one\\b)`,
  "g",
);

const digitFractions = new RegExp(`\\b(\\d+) (${parts.filter((part) => part !== "half").join("|")}|halve)s\\b`, "g");

/** The whole number that lower-case words spell; undefined when they spell none, or more than one: "two and three". */
export function wordsToNumber(words: string): number | undefined {
  if (!whole.test(words)) return undefined;
  let total = 0;
  let group = 0;
  for (const word of words.split(/[- ]/)) {
    const scale = scales.get(word);
    if (scale === undefined) group += values.get(word) ?? 0;
    else if (scale < 1000) group = Math.max(1, group) * scale;
    else {
      total += Math.max(1, group) * scale;
      group = 0;
    }
  }
  return total + group;
}

/** A lower-case text with its number words as digits. */
export function wordsToDigits(text: string): string {
  return text
    .replace(/\bhalf a dozen\b/g, "6")
    .replace(fractions, (_, several?: string, half?: string, count?: string, part?: string) =>
      half === undefined ? `${values.get(count!) ?? 1}/${denominatorOf(part!)}` : `${values.get(several!) ?? 1}/2`,
    )
    .replace(digitFractions, (_, count: string, part: string) => `${count}/${denominatorOf(part)}`)
    .replace(/(\d+(?:\.\d+)?) (dozen|hundred|thousand|million|billion)\b/g, (_, digits: string, scale: string) =>
      String(Number(digits) * scales.get(scale)!),
    )
    .replace(cardinals, (words) => String(wordsToNumber(words)))
    .replace(
      /\b(\d+) point ((?:\d )*\d)\b/g,
      (_, whole: string, digits: string) => `${whole}.${digits.replaceAll(" ", "")}`,
    )
    .replace(/\b(\d+) and (?=\d+\/\d)/g, "$1 ");
}

const ORDINALS = new Map(
  list(
    "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth",
  ).map((word, i) => [word, i]),
);

/** A lower-case text with its ordinals up to the thirty-ninth, and how many times, as digits: "in third place" has 3, "twice" is 2. */
export function ordinalsToDigits(text: string): string {
  return text
    .replace(/\b(\d+)(?:st|nd|rd|th)\b/g, "$1")
    .replace(/\b(?:once|twice|thrice)\b/g, (times) => String(["once", "twice", "thrice"].indexOf(times) + 1))
    .replace(/\bthirtieth\b/g, "30")
    .replace(/\b(?:(twenty|thirty)[- ])?(\w+(?:st|nd|rd|th))\b/g, (words, ten: string | undefined, word: string) => {
      const value = ORDINALS.get(word);
      return value === undefined ? words : String(value + (ten === undefined ? 0 : values.get(ten)!));
    });
}

function denominatorOf(part: string): number {
  return denominators.get(part) ?? 2;
}
