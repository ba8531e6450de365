import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { wordsToNumber } from "./number-words.ts";
import { asQuantity, quantities, sameQuantity } from "./read-numbers.ts";

const valuesIn = (text: string) => quantities(text).map(({ value }) => value);
const same = (given: string, wanted: string) => sameQuantity(asQuantity(given)!, asQuantity(wanted)!);

describe("number words", () => {
  it.each([
    ["zero", 0],
    ["seven", 7],
    ["twenty-one", 21],
    ["twenty one", 21],
    ["a hundred", 100],
    ["one hundred and twenty", 120],
    ["two hundred five", 205],
    ["two thousand and five", 2005],
    ["three hundred thousand four hundred and six", 300_406],
    ["one million two hundred thousand", 1_200_000],
    ["two dozen", 24],
  ])("%s", (words, value) => expect(wordsToNumber(words)).toBe(value));

  it.each(["two and three", "two three", "twenty twelve", "twenty and one", "hundred and", "and two", "", "cat"])(
    "%j is no number",
    (words) => expect(wordsToNumber(words)).toBeUndefined(),
  );
});

describe("numbers in a text", () => {
  it.each<[string, number[]]>([
    ["two and three", [2, 3]],
    ["one, two or three cats", [1, 2, 3]],
    ["a hundred and one", [101]],
    ["two and a half", [2.5]],
    ["half a dozen", [6]],
    ["two thirds, three-quarters, one fifth", [2 / 3, 3 / 4, 1 / 5]],
    ["1 1/2 and ¾ and 2⅓", [1.5, 0.75, 2 + 1 / 3]],
    ["1,234 and 12,34,567.5", [1234, 1_234_567.5]],
    ["1, 2, 34", [1, 2, 34]],
    ["1,2345", [1, 2345]],
    ["12\u202f345\u00a0678", [12_345_678]],
    ["-3, −4.5, minus 6, negative two", [-3, -4.5, -6, -2]],
    ["3-5 or 3 - 5", [3, 5, 3, 5]],
    ["-$2.50 or $-2.50", [-2.5, -2.5]],
    ["3.5 million, 2 dozen", [3_500_000, 24]],
    ["1.5e3, 2 × 10^3, 2 \\times 10^{-3}", [1500, 2000, 0.002]],
    ["version x2 of 3d", [3]],
    [".5", [0.5]],
  ])("%j", (text, values) => expect(valuesIn(text)).toEqual(values.map((value) => expect.closeTo(value, 9))));

  it("is the number it was printed from, whichever way it is printed", () => {
    fc.assert(
      fc.property(fc.integer({ min: -1e9, max: 1e9 }), (n) => {
        expect(valuesIn(n.toLocaleString("en-US"))).toEqual([n]);
        expect(valuesIn(`It is ${n}.`)).toEqual([n]);
      }),
    );
  });
});

describe("a text that is a number", () => {
  it.each(["5", "5 cm", "$5", "5%", "50 per cent", "five meters", "25 °C", "25 degrees Celsius", "3 cm^2", "3 km/h"])(
    "%j",
    (text) => expect(asQuantity(text)).toBeDefined(),
  );
  it.each(["5 dogs", "5 or 6", "x5", "cat", "", "10:30", "5 in the box"])("%j is none", (text) =>
    expect(asQuantity(text)).toBeUndefined(),
  );
});

describe("equal quantities", () => {
  it.each([
    ["100 cm", "1 m"],
    ["2 hours", "120 min"],
    ["3 sq ft", "3 square feet"],
    ["1 liter", "1000 cm³"],
    ["50 cents", "$0.50"],
    ["1 year", "12 months"],
    ["50 %", "0.5"],
    ["0.5", "50 percent"],
    ["50", "50%"],
    ["5", "5 cm"],
    ["−3 °C", "-3"],
    ["3.14159", "3.14"],
    ["0.667", "2/3"],
    ["1/2", "0.50"],
  ])("%s is %s", (given, wanted) => expect(same(given, wanted)).toBe(true));

  it.each([
    ["1 cm", "1 m"],
    ["5 m", "5 kg"],
    ["5%", "0.5"],
    ["3", "-3"],
    ["3.1", "3.14"],
    ["2.04", "2"],
    ["0.6", "2/3"],
    ["$5", "5 €"],
  ])("%s is not %s", (given, wanted) => expect(same(given, wanted)).toBe(false));
});
