import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Answered } from "../run/lines.ts";
import { UserError } from "../util/errors.ts";
import { readSampleLines } from "./read-evaluations.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "grit-evaluations-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

const line: Answered = {
  id: "a",
  set: "pope",
  dataset: "pope_random",
  image: "a.png",
  sha256: "0",
  width: 10,
  height: 10,
  question: "Is there a dog?",
  answer: "yes",
  text: "Yes, there is.",
  boxes: [],
  gtBoxes: [],
  acc: 1,
  giou: null,
  giouRaw: null,
  f1: null,
  yesNo: { truth: "yes", said: "yes" },
  choice: null,
  ending: "stop",
  tokens: 5,
};

const read = (...lines: readonly (object | string)[]) => {
  const texts = lines.map((each) => (typeof each === "string" ? each : `${JSON.stringify(each)}\n`));
  writeFileSync(join(dir, "samples.jsonl"), texts.join(""));
  return readSampleLines(dir);
};

it("reads what was answered, and not the line that is being written", () => {
  const silent = { ...line, id: "b", yesNo: { truth: "no", said: null } };
  expect(read(line, silent, '{"id": "c", "se')).toEqual([line, silent]);
  expect(readSampleLines(join(dir, "none"))).toEqual([]);
});

it.each([
  // Numbers made from some of the answers would look like numbers made from all.
  ["without what was said to yes/no questions", { ...line, yesNo: undefined }, /samples\.jsonl:1: yesNo: /],
  ["with another word than yes and no", { ...line, yesNo: { truth: "yes", said: "maybe" } }, /:1: yesNo\.said: /],
  ["without letter accuracy", { ...line, choice: undefined }, /:1: choice: /],
])("refuses a line %s", (_, damaged, message) => {
  expect(() => read(damaged)).toThrow(UserError);
  expect(() => read(damaged)).toThrow(message);
});

it("refuses one id twice", () => {
  expect(() => read(line, line)).toThrow(/:2: duplicate id "a"/);
});
