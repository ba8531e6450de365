import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";

let dir: string;
const grit = (...args: string[]) => spawnSync(process.execPath, ["bin/grit.mjs", ...args], { encoding: "utf8" });

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "grit-cli-"));
  const png = await sharp({ create: { width: 64, height: 48, channels: 3, background: "teal" } })
    .png()
    .toBuffer();
  writeFileSync(join(dir, "whole.png"), png);
  // Noise does not compress, so that half of the file lacks half of the pixels.
  const noise = Buffer.from(Array.from({ length: 64 * 48 * 3 }, (_, i) => (i * 7919 + ((i * i) >> 3)) & 255));
  const jpeg = await sharp(noise, { raw: { width: 64, height: 48, channels: 3 } })
    .jpeg()
    .toBuffer();
  writeFileSync(join(dir, "cut.jpg"), jpeg.subarray(0, jpeg.length / 2));
});
afterAll(() => rmSync(dir, { recursive: true }));

function dataFile(name: string, fields: object): string {
  const line = { question: "Is it teal?", answer: "yes", image: "whole.png", dataset: "vsr", split: "val", ...fields };
  const file = join(dir, name);
  writeFileSync(file, `${JSON.stringify(line)}\n`);
  return file;
}

test("help lists the commands and exits 0", () => {
  const { status, stdout } = grit("--help");
  expect(status).toBe(0);
  expect(stdout).toMatch(/data .*check, describe or render/);
  expect(grit("data", "check", "--help").stdout).toContain("grit data check [options] <files...>");
});

test("the version is the package's", () => {
  const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
  expect(grit("--version").stdout).toBe(`${version}\n`);
});

test("a reward module that cannot be used is told of before the model is opened", () => {
  const data = [`data.train=[${dataFile("train.jsonl", { bboxs: [] })}]`, "data.eval={}"];
  const { status, stderr } = grit("train", "tiny", ...data, "rewards.custom=[none.ts]", "--run", join(dir, "run"));
  expect(stderr).toMatch(/^error: .*none\.ts: no such reward module/);
  expect(status).toBe(2);
});

test.each([
  [["dta"], /unknown command 'dta'\n\(Did you mean data\?\)/],
  [["data", "chekc"], /unknown command 'chekc'/],
  [["data", "check"], /missing required argument 'files'/],
  [["data", "check", "--imges", "x", "y"], /unknown option '--imges'/],
  [["data", "check", "/no/such.jsonl"], /^error: \/no\/such\.jsonl: no such file\n/],
])("wrong use exits 2 with its message and no stack: %s", (args, message) => {
  const { status, stderr } = grit(...args);
  expect(status).toBe(2);
  expect(stderr).toMatch(message);
  expect(stderr).not.toMatch(/^\s+at /m);
});

test("data check passes sound data", () => {
  const { status, stdout } = grit("data", "check", dataFile("good.jsonl", { bboxs: [[0, 0, 64, 48]] }));
  expect(stdout).toMatch(/^1 samples are valid: 1 images decode, 1 boxes/);
  expect(status).toBe(0);
});

test("data check decodes images to their end", () => {
  const { status, stderr } = grit("data", "check", dataFile("cut.jsonl", { image: "cut.jpg" }));
  expect(stderr).toMatch(/cut\.jpg.*truncated/);
  expect(status).toBe(2);
});

test("data stats prints a row for each data set", () => {
  const { stdout } = grit("data", "stats", dataFile("stats.jsonl", { bboxs: [[0, 0, 32, 48]] }));
  expect(stdout.split("\n")[2]).toMatch(/^vsr +1 +1 +3\.0 +1\.0 +100\.0 +1\.0 +50\.0$/);
});
