/**
 * @file The import rule: a file imports from its own layer or from an earlier one. The flow of a step can then be read in
 * one direction, and any stage can be understood, tested and replaced without those after it. Tests may import anything.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { expect, test } from "vitest";

/** From the ground up: what all use, tensors, models, the stages in the order of a step, what joins them, who calls that. */
const layers = [
  ["util", "records.ts", "boxes.ts"],
  ["hub"],
  ["torch"],
  ["distributed"],
  ["config"],
  ["models"],
  ["data"],
  ["prompt"],
  ["chain"],
  ["judge"],
  ["rewards"],
  ["objective"],
  ["checkpoint"],
  ["engine"],
  ["run"],
  ["alarms"],
  ["evaluation"],
  [
    ...["check-result.ts", "preflight.ts", "rollouts.ts", "step-metrics.ts", "held-out.ts", "saving.ts", "health.ts"],
    "train.ts",
  ],
  ["pretrain"],
  ["tables"],
  ["probes"],
  ["report"],
  ["track"],
  ["jobs"],
  ["reproduce"],
  ["serve"],
  ["studio"],
  ["index.ts"],
  ["cli"],
];

/** The place in the layers of a file, by its path in src/: its folder's, or its own if it stands at the top. */
function rankOf(path: string): number {
  return layers.findIndex((names) => names.includes(path.split("/")[0]!));
}

/** The files of src/ that a source text imports, seen from `path`. */
function importsOf(path: string, source: string): string[] {
  const found = source.matchAll(/(?:\bfrom |\bimport |\bimport\()"(\.{1,2}\/[^"]+)"/g);
  return [...found].map((match) => posix.join(dirname(path), match[1]!));
}

/** `path → target` for every import that goes forward in the layers. */
function violations(path: string, source: string): string[] {
  return importsOf(path, source)
    .filter((target) => rankOf(target) > rankOf(path))
    .map((target) => `${path} → ${target}`);
}

const files = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((path) => /\.tsx?$/.test(path) && !path.endsWith(".test.ts"))
  .map((path) => path.replaceAll("\\", "/"));

test("every folder of src has its layer", () => {
  expect(files.filter((path) => rankOf(path) < 0)).toEqual([]);
});

test("no file imports from a later layer", () => {
  expect(files.flatMap((path) => violations(path, readFileSync(join("src", path), "utf8")))).toEqual([]);
});

test("no files import each other in a circle", () => {
  const imports = new Map(files.map((path) => [path, importsOf(path, readFileSync(join("src", path), "utf8"))]));
  const done = new Set<string>();
  const circleFrom = (path: string, trail: readonly string[]): readonly string[] | undefined => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
    if (done.has(path)) return undefined;
    for (const target of imports.get(path) ?? []) {
      const circle = circleFrom(target, [...trail, path]);
      if (circle) return circle;
    }
    done.add(path);
    return undefined;
  };
  for (const path of files) expect(circleFrom(path, [])).toBeUndefined();
});

test("a file is known by its name alone, which is written in small letters and dashes", () => {
  const names = files.map((path) => posix.basename(path));
  expect(names.filter((name, i) => names.indexOf(name) < i)).toEqual([]);
  expect(names.filter((name) => !/^[a-z0-9]+(-[a-z0-9]+)*\.tsx?$/.test(name))).toEqual([]);
});

test.each([
  ["chain/parse.ts", 'import { loss } from "../objective/loss.ts";', "objective/loss.ts"],
  ["data/scenes/world.ts", 'export type {\n  Prompt,\n} from "../../prompt/prompt.ts";', "prompt/prompt.ts"],
  ["records.ts", 'const { tidy } = await import("./torch/tensor.ts");', "torch/tensor.ts"],
  ["hub/resolve.ts", 'import { readJson } from "../models/config.ts";', "models/config.ts"],
  ["report/write-report.ts", 'import "../cli/main.ts";', "cli/main.ts"],
])("the rule can be broken: %s", (path, source, target) => {
  expect(violations(path, source)).toEqual([`${path} → ${target}`]);
});

test.each([
  ["objective/loss.ts", 'import { mul } from "../torch/ops.ts";'],
  ["evaluation/metrics.ts", 'import { parse } from "../chain/parse.ts";'],
  ["config/recipe.ts", 'import { modelFolder } from "../hub/resolve.ts";'],
  ["rewards/preset.ts", 'import { bleu } from "./bleu.ts";'],
  ["cli/train-command.ts", 'import { train } from "../train.ts";'],
])("the rule can be kept: %s", (path, source) => {
  expect(violations(path, source)).toEqual([]);
});
