import { expect, it } from "vitest";
import { lineWidth, table } from "./table.ts";

const rows = [
  ["set", "n", "before", "after"],
  ["vsr", 9, "50.0", "60.0"],
  ["tallyqa", 12, "1.0", "–"],
];

it("is one table where there is room, with no blanks at the ends of lines", () => {
  expect(table(rows, { width: 26 }).split("\n")).toEqual([
    "set       n  before  after",
    "──────────────────────────",
    "vsr       9    50.0   60.0",
    "tallyqa  12     1.0      –",
  ]);
});

it("is cut into tables below each other where there is none, each with what its rows are", () => {
  expect(table(rows, { width: 25 }).split("\n")).toEqual([
    "set       n  before",
    "───────────────────",
    "vsr       9    50.0",
    "tallyqa  12     1.0",
    "",
    "set      after",
    "──────────────",
    "vsr       60.0",
    "tallyqa      –",
  ]);
  const named = table(rows, { width: 25, keys: 2 }).split("\n");
  expect([named[0], named[5]]).toEqual(["set       n  before", "set       n  after"]);
  // What has no room even alone is shown all the same.
  expect(table(rows, { width: 3 }).split("\n\n")).toHaveLength(3);
  expect(table([["only"], ["names"]], { width: 3 })).toBe("only\n─────\nnames");
});

it("is as wide as the terminal lets it be, and elsewhere as wide as it is", () => {
  expect(lineWidth({ isTTY: true, columns: 72 })).toBe(72);
  expect(lineWidth({ isTTY: true })).toBe(80);
  expect(lineWidth({ columns: 72 })).toBe(Number.POSITIVE_INFINITY);
});
