/**
 * @file The importers on real annotation files of VSR, POPE and MathVista, in the folders `vsr`, `pope` and `mathvista` of the
 * folder that the environment variable GRIT_DATA names. The images are stand-ins: none of these rows speaks of their size.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { grit } from "../../../test/commands.ts";

const data = process.env.GRIT_DATA;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "official-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** Puts an image under every name that a file's text has in quotes. */
async function standIns(text: string): Promise<void> {
  const image = await sharp({ create: { width: 4, height: 4, channels: 3, background: "red" } })
    .jpeg()
    .toBuffer();
  for (const [, name] of text.matchAll(/"image": "([^"]+)"/g)) {
    const path = join(folder, "images", name!);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, image);
  }
}

/** Imports files, proves the result, and gives its lines. */
async function imported(name: string, ...files: string[]): Promise<Record<string, string>[]> {
  const annotations = files.map((file) => join(data!, file));
  for (const file of annotations) await standIns(await readFile(file, "utf8"));
  const out = join(folder, "out.jsonl");
  const made = await grit(
    "data",
    "import",
    name,
    "--annotations",
    ...annotations,
    "--images",
    join(folder, "images"),
    "--out",
    out,
  );
  expect(made, made.err).toMatchObject({ code: 0 });
  expect((await grit("data", "check", out)).out).toContain("every gold answer gets full marks");
  const text = await readFile(out, "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

describe.skipIf(!data)("official files", () => {
  test("VSR: every caption becomes a question, every answer is right", async () => {
    const lines = await imported("vsr", "vsr/dev.jsonl", "vsr/test.jsonl");
    expect(lines.length).toBe(1562);
    expect(lines.every(({ question }) => /^(?:Is|Are|Does) the .+ .+\?$/.test(question!))).toBe(true);
    expect(lines.filter(({ answer }) => answer === "Yes").length).toBe(796);
  });

  test("POPE: three splits of 3,000, half of them yes", async () => {
    const kinds = ["random", "popular", "adversarial"];
    const lines = await imported("pope", ...kinds.map((kind) => `pope/coco_pope_${kind}.json`));
    for (const kind of kinds) {
      const split = lines.filter(({ dataset }) => dataset === `pope_${kind}`);
      expect([split.length, split.filter(({ answer }) => answer === "yes").length]).toEqual([3000, 1500]);
    }
  });

  test("MathVista: testmini's thousand, 540 with options", async () => {
    const lines = await imported("mathvista", "mathvista/output_chatgpt.json");
    expect([lines.length, lines.filter(({ choices }) => choices).length]).toEqual([1000, 540]);
  });
});
