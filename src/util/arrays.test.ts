import fc from "fast-check";
import { expect, test } from "vitest";
import { chunks, extent, mean } from "./arrays.ts";

test("property: chunks laid end to end are the list, and all but the last are full", () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), fc.integer({ min: 1, max: 9 }), (items, size) => {
      const cut = chunks(items, size);
      expect(cut.flat()).toEqual(items);
      for (const [i, chunk] of cut.entries()) {
        if (i < cut.length - 1) expect(chunk).toHaveLength(size);
        expect(chunk.length).toBeGreaterThan(0);
      }
    }),
  );
});

test("the extent of more values than a call takes arguments", () => {
  expect(extent(Array.from({ length: 1e6 }, (_, i) => i - 7))).toEqual([-7, 1e6 - 8]);
});

test("the mean of nothing is an error, not a number", () => {
  expect(mean([1, 2, 6])).toBe(3);
  expect(() => mean([])).toThrow("mean of no values");
});
