import fc from "fast-check";
import { expect, test } from "vitest";
import { divide } from "./divide.ts";

const costs = fc.array(fc.integer({ min: 1, max: 1000 }), { maxLength: 40 });

test("every item goes to one rank, in order, and none has more than the others by more than its dearest item", () => {
  fc.assert(
    fc.property(costs, fc.integer({ min: 1, max: 8 }), (costs, ranks) => {
      const shares = divide(costs, ranks);
      expect(shares).toHaveLength(ranks);
      expect(shares.flat().sort((a, b) => a - b)).toEqual([...costs.keys()]);
      for (const share of shares) expect(share).toEqual([...share].sort((a, b) => a - b));
      const totals = shares.map((share) => share.reduce((sum, item) => sum + costs[item]!, 0));
      expect(Math.max(...totals) - Math.min(...totals)).toBeLessThanOrEqual(Math.max(0, ...costs));
    }),
  );
});

test("one rank has all of it", () => {
  expect(divide([3, 1, 2], 1)).toEqual([[0, 1, 2]]);
});
