import fc from "fast-check";
import { expect, test } from "vitest";
import { shardsOf } from "./shards.ts";

test("every element has one owner, in order, and no rank has more than one element more than another", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
      fc.integer({ min: 1, max: 9 }),
      (sizes, ranks) => {
        const shards = shardsOf(
          sizes.map((size, i) => [String(i), size]),
          ranks,
        );
        const covered = shards.flatMap(({ name, from, to }) =>
          Array.from({ length: to - from }, (_, i) => `${name}/${from + i}`),
        );
        expect(covered).toEqual(sizes.flatMap((size, i) => Array.from({ length: size }, (_, j) => `${i}/${j}`)));
        const owned = Array.from({ length: ranks }, (_, rank) =>
          shards.filter(({ owner }) => owner === rank).reduce((sum, { from, to }) => sum + to - from, 0),
        );
        expect(Math.max(...owned) - Math.min(...owned)).toBeLessThanOrEqual(1);
      },
    ),
  );
});

test("a parameter on the border is cut in two", () => {
  expect(
    shardsOf(
      [
        ["a", 4],
        ["b", 6],
        ["c", 2],
      ],
      2,
    ),
  ).toEqual([
    { name: "a", from: 0, to: 4, owner: 0 },
    { name: "b", from: 0, to: 2, owner: 0 },
    { name: "b", from: 2, to: 6, owner: 1 },
    { name: "c", from: 0, to: 2, owner: 1 },
  ]);
});
