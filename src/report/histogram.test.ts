import fc from "fast-check";
import { expect, it } from "vitest";
import { bins, histogram, sparkline } from "./histogram.ts";

it("puts every value into one of ten bins, the ends into the first and the last", () => {
  expect(bins([0, 0, 0.05, 0.5, 1])).toEqual([3, 0, 0, 0, 0, 1, 0, 0, 0, 1]);
  expect(bins([0.7, 0.7])).toEqual([2, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  const values = fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 1 });
  fc.assert(fc.property(values, (all) => bins(all).reduce((sum, count) => sum + count, 0) === all.length));
});

it("draws them as blocks, of which only an empty bin is blank", () => {
  const most = new Array<number>(100).fill(0);
  expect(sparkline([...most, 1])).toBe("█        ▁");
});

it("draws bars over the range", () => {
  const { markup } = histogram([0, 1, 1], String)!;
  expect(markup.match(/height="30"/g)).toHaveLength(1);
  expect(markup).toContain("3 values from 0 to 1");
  expect(histogram([], String)).toBeUndefined();
});
