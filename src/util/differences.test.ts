import { expect, it } from "vitest";
import { differences, excerpts } from "./differences.ts";

it("names the leaves that differ, and those that only one side has", () => {
  expect(differences({ a: { b: 1, c: [1, 2] }, d: "x" }, { a: { b: 2, c: [1] }, d: "x", e: true })).toEqual([
    { key: "a.b", from: "1", to: "2" },
    { key: "a.c.1", from: "2", to: null },
    { key: "e", from: null, to: "true" },
  ]);
  expect(differences({ a: [1, { b: 2 }] }, { a: [1, { b: 2 }] })).toEqual([]);
});

it("shows long values from where they part", () => {
  const [from, to] = excerpts({ key: "k", from: `${"a".repeat(100)}left`, to: `${"a".repeat(100)}right` });
  expect([from, to]).toEqual([`…${"a".repeat(10)}left`, `…${"a".repeat(10)}right`]);
  expect(excerpts({ key: "k", from: "1", to: null })).toEqual(["1", "nothing"]);
});
