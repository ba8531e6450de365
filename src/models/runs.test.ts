import { expect, it } from "vitest";
import { runsOf } from "./runs.ts";

it("joins neighbours of equal length, and only neighbours", () => {
  expect(runsOf([])).toEqual([]);
  expect(runsOf([3, 3, 5, 3])).toEqual([
    { count: 2, length: 3 },
    { count: 1, length: 5 },
    { count: 1, length: 3 },
  ]);
});
