import fc from "fast-check";
import { expect, test } from "vitest";
import { rewardBins } from "./reward-bins.ts";

test("every reward is in one bin, whose ends are rewards in it", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: -4, max: 4, noNaN: true }), { minLength: 1 }), (totals) => {
      const bins = rewardBins(totals);
      expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(totals.length);
      for (const { least, most, count } of bins.filter((bin) => bin.count > 0)) {
        expect(totals.filter((total) => total >= least && total <= most)).toHaveLength(count);
      }
    }),
  );
});

test("no rewards have no bins; equal ones have one", () => {
  expect(rewardBins([])).toEqual([]);
  expect(rewardBins([2, 2]).filter(({ count }) => count > 0)).toEqual([{ least: 2, most: 2, count: 2 }]);
});
