import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { scratchPlaces } from "../../test/tiny.ts";
import { UserError } from "../util/errors.ts";
import { readRunFolder } from "./read-run.ts";
import { parsedRun, readRunFile, refuseLinks } from "./run-files.ts";
import { RunFolder } from "./run-folder.ts";

const place = scratchPlaces();

/** A run folder with these files. */
function runOf(files: Readonly<Record<string, string | Buffer>>): string {
  const dir = place();
  mkdirSync(dir);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(dir, name), content);
  return dir;
}
const SOUND = JSON.stringify({ recipe: { seed: 1 }, data: {} });

describe("a link in a run folder", () => {
  it.each([
    ["out of it", "../elsewhere", /rollouts is a link out of the folder, to .*elsewhere/],
    ["to nothing", "gone", /rollouts is a link to nothing/],
    ["to itself", "rollouts", /rollouts is a link to nothing/],
  ])("%s is refused by whoever reads or writes there", async (_, target, message) => {
    const dir = runOf({ "run.json": SOUND });
    mkdirSync(join(dir, "..", "elsewhere"), { recursive: true });
    symlinkSync(target, join(dir, "rollouts"));
    expect(() => RunFolder.open(dir)).toThrow(message);
    expect(() => RunFolder.resume(dir)).toThrow(message);
    await expect(readRunFolder(dir)).rejects.toThrow(message);
  });

  it("within it is none of these, and the folder itself may be one", () => {
    const dir = runOf({ "run.json": SOUND });
    mkdirSync(join(dir, "images"));
    symlinkSync("images", join(dir, "pictures"));
    refuseLinks(dir);
    const link = place();
    symlinkSync(dir, link);
    RunFolder.open(link);
  });
});

describe("a file", () => {
  it("is absent, or text, or an error that names it", () => {
    const dir = runOf({ text: "é", bytes: Buffer.of(0x7b, 0xff, 0x7d) });
    expect(readRunFile(join(dir, "none"))).toBeUndefined();
    expect(readRunFile(join(dir, "text"))).toBe("é");
    expect(() => readRunFile(join(dir, "bytes"))).toThrow(/bytes: is not UTF-8 text/);
    expect(() => readRunFile(dir)).toThrow(UserError);
  });

  it("of JSON has its schema, or the first key that does not fit is named", () => {
    const schema = z.object({ a: z.number() });
    expect(parsedRun('{"a": 1}', schema, "x:1")).toEqual({ a: 1 });
    expect(() => parsedRun('{"a": "1"}', schema, "x:1")).toThrow(/x:1: a: .*number/);
    expect(() => parsedRun("{", schema, "x:1")).toThrow(/x:1: not valid JSON/);
  });
});

it.each([
  ["null", /run\.json: value: /],
  ['{"recipe": 7, "data": {}}', /run\.json: recipe: /],
  ['{"recipe": {"seed": 1}, "data": {"train": 7}}', /run\.json: data\.train: /],
  ['{"recipe": {"seed": 1}, "data": {}, "changes": 7}', /run\.json: changes: /],
])("run.json that is %s does not go on", (text, message) => {
  const dir = runOf({ "run.json": text });
  expect(() => RunFolder.resume(dir).run.begun()).toThrow(message);
});

it.each([0, -5, 0.5, 1e300, "2", null])("a line of metrics is of no step %j", async (step) => {
  const dir = runOf({ "run.json": SOUND, "metrics.jsonl": `${JSON.stringify({ step })}\n` });
  await expect(readRunFolder(dir)).rejects.toThrow(/metrics\.jsonl:1: step: /);
});
