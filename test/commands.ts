/** @file What the tests of the commands with a model share: recorded lines as a data file, and a command run in place. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { beforeAll, beforeEach, vi } from "vitest";
import { main } from "../src/cli/main.ts";
import { goldenImage, syntheticRgb } from "./golden/golden.ts";
import { scratch } from "./tiny.ts";

/** A line and what transformers computes for it: see golden/commands/make.py and internvl.py. */
export interface GoldenLine {
  readonly checkpoint: string;
  /** A name for `goldenImage`. */
  readonly image: string;
  readonly question: string;
  readonly completion: string;
  /** Of the completion. */
  readonly ids: readonly number[];
  readonly logprobs: readonly number[];
  readonly greedy_ids: readonly number[];
  readonly greedy_text: string;
  readonly frame: readonly [number, number];
}

const recorded = ["commands.json", "internvl.json"].flatMap(
  (file) =>
    JSON.parse(
      readFileSync(fileURLToPath(new URL(`./golden/commands/${file}`, import.meta.url)), "utf8"),
    ) as GoldenLine[],
);

/** The lines recorded for a checkpoint, by `family/name`; a bare name is one of Qwen2.5-VL's. */
export function goldenLines(checkpoint: string): GoldenLine[] {
  return recorded.filter((line) => line.checkpoint === checkpoint);
}

/** The folder of a golden checkpoint, named alike. */
export function checkpointDir(name: string): string {
  const [checkpoint, family = "qwen2_5_vl"] = name.split("/").reverse() as [string, string?];
  return fileURLToPath(new URL(`./golden/${family}/checkpoints/${checkpoint}`, import.meta.url));
}

/** A recorded line as a data file has it, without its completion. */
export function dataLine({ image, question }: GoldenLine) {
  return { image: `${image}.png`, question, answer: "yes", dataset: "vsr" };
}

/** A folder with the images of the recorded lines, and a file to read and one to write there, which no test finds written. */
export function commandFiles() {
  const dir = scratch();
  const [data, out] = [join(dir, "in.jsonl"), join(dir, "out.jsonl")];
  beforeAll(async () => {
    for (const name of ["wide", "photo"]) await writeImage(dir, name);
  });
  beforeEach(() => rmSync(out, { force: true }));
  return { dir, data, out };
}

/** Writes a golden image into a folder; its file name. */
export async function writeImage(dir: string, name: string): Promise<string> {
  const { width, height } = goldenImage(name);
  await sharp(syntheticRgb(width, height), { raw: { width, height, channels: 3 } })
    .png()
    .toFile(join(dir, `${name}.png`));
  return `${name}.png`;
}

/** Writes the first half of an image in a folder beside it: its header is sound, its pixels are not. Its file name. */
export function writeDamaged(dir: string, name: string): string {
  const bytes = readFileSync(join(dir, name));
  writeFileSync(join(dir, `damaged-${name}`), bytes.subarray(0, bytes.length / 2));
  return `damaged-${name}`;
}

/** Writes objects, or raw text, as the lines of a file; its path. */
export function writeLines(path: string, lines: readonly unknown[]): string {
  writeFileSync(path, lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n"));
  return path;
}

/** The values of a JSON lines file. */
export function readLines<T>(path: string): T[] {
  return readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as T);
}

/** Runs a command line in this process: its exit code and what it printed. */
export async function grit(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const out: string[] = [];
  const err: string[] = [];
  const spies = [
    vi.spyOn(console, "log").mockImplementation((text) => void out.push(`${text}\n`)),
    vi.spyOn(console, "error").mockImplementation((text) => void err.push(`${text}\n`)),
    vi.spyOn(process.stderr, "write").mockImplementation((text) => err.push(String(text)) > 0),
  ];
  try {
    return { code: await main(argv), out: out.join(""), err: err.join("") };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}
