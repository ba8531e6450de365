import { appendFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { scratchPlaces } from "../../test/tiny.ts";
import { IndexedLines } from "./indexed-lines.ts";

const place = scratchPlaces();

/** An index that remembers each line's text, and counts the lines it was shown. */
function indexed(file: string) {
  const seen: string[] = [];
  const lines = new IndexedLines(file, (text) => {
    seen.push(text);
    return text.trim() === "damaged" ? undefined : text.trim();
  });
  return { lines, seen };
}

test("a file that is not there has no lines, and gets them when it comes", async () => {
  const file = place();
  const { lines } = indexed(file);
  expect([await lines.refresh(), lines.facts]).toEqual([false, []]);
  writeFileSync(file, "a\nbb\n");
  expect([await lines.refresh(), lines.facts]).toEqual([true, ["a", "bb"]]);
  rmSync(file);
  expect([await lines.refresh(), lines.facts, await lines.read([0])]).toEqual([true, [], [undefined]]);
});

test("of a file that grows only what is new is read; a line is there when it ends", async () => {
  const file = place();
  const { lines, seen } = indexed(file);
  writeFileSync(file, "a\nbb\nhal");
  await lines.refresh();
  expect(lines.facts).toEqual(["a", "bb"]);
  expect(await lines.refresh()).toBe(false);
  appendFileSync(file, "f\nccc\n");
  await lines.refresh();
  expect(lines.facts).toEqual(["a", "bb", "half", "ccc"]);
  expect(seen).toHaveLength(4);
  expect(await lines.read([3, 1, 9])).toEqual(["ccc\n", "bb\n", undefined]);
});

test("a file that is replaced, or cut and written on, is read anew", async () => {
  const file = place();
  const { lines } = indexed(file);
  writeFileSync(file, "a\nbb\n");
  await lines.refresh();
  writeFileSync(`${file}.new`, "a\nBB\nc\n");
  renameSync(`${file}.new`, file);
  expect([await lines.refresh(), lines.facts]).toEqual([true, ["a", "BB", "c"]]);
  truncateSync(file, 2);
  expect([await lines.refresh(), lines.facts]).toEqual([true, ["a"]]);
});

test("a damaged line keeps its place, and one that never ends is not held", async () => {
  const file = place();
  const { lines } = indexed(file);
  writeFileSync(file, `a\ndamaged\n${"x".repeat(9 * 2 ** 20)}\nd\n`);
  await lines.refresh();
  expect(lines.facts).toEqual(["a", undefined, undefined, "d"]);
  appendFileSync(file, "e\n");
  await lines.refresh();
  expect(lines.facts).toHaveLength(5);
  expect(await lines.read([3])).toEqual(["d\n"]);
});

test("characters of several bytes lie across chunks", async () => {
  const file = place();
  const { lines } = indexed(file);
  const text = "é".repeat(200_000);
  writeFileSync(file, `-${text}\n${text}\n`);
  await lines.refresh();
  expect(lines.facts).toEqual([`-${text}`, text]);
});

test("looks at the same time are one look", async () => {
  const file = place();
  const { lines, seen } = indexed(file);
  writeFileSync(file, "a\nb\n");
  await Promise.all([lines.refresh(), lines.refresh(), lines.refresh()]);
  expect(seen).toHaveLength(2);
});
