/**
 * @file The import rule: a file imports from its own layer or from an earlier one. The flow of a step can then be read in
 * one direction, and any stage can be understood, tested and replaced without those after it. Tests may import anything.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { expect, test } from "vitest";

/** From the ground up: tensors, models, the stages in the order of a step, then who joins them. */
const layers = [
  "utilities",
  "torch",
  "models",
  "data",
  "prompt",
  "rewards",
  "judge",
  "advantage",
  "loss",
  "checkpoint",
  "engine",
  "eval",
  "report",
  "joins",
];
const joins = [
  "rollouts.ts",
  "train.ts",
  "evaluate.ts",
  "evaluation.ts",
  "eval-recipe.ts",
  "finetune.ts",
  "made-models.ts",
  "summary.ts",
  "quickstart.ts",
  "pretrain.ts",
  "pretrain_fresh.ts",
  "pretrain_vision.ts",
  "serve",
  "cli",
];

/** Folders that stand beside the utilities, not above them: a recipe names models by their hub id. */
const utilities = ["hub"];

/** The layer of a file, by its path in src/: its folder's, or its own if it stands at the top. */
function layerOf(path: string): string {
  const top = path.split("/")[0]!;
  if (joins.includes(top)) return "joins";
  if (utilities.includes(top)) return "utilities";
  const name = top.replace(/\.ts$/, "");
  return path.includes("/") || layers.includes(name) ? name : "utilities";
}

/** The files of src/ that a source text imports, seen from `path`. */
function importsOf(path: string, source: string): string[] {
  const found = source.matchAll(/(?:\bfrom |\bimport |\bimport\()"(\.{1,2}\/[^"]+)"/g);
  return [...found].map((match) => posix.join(dirname(path), match[1]!));
}

/** `path → target` for every import that goes forward in the layers. */
function violations(path: string, source: string): string[] {
  const rank = layers.indexOf(layerOf(path));
  return importsOf(path, source)
    .filter((target) => layers.indexOf(layerOf(target)) > rank)
    .map((target) => `${path} → ${target}`);
}

const files = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts") && !path.endsWith(".test.ts"))
  .map((path) => path.replaceAll("\\", "/"));

test("every folder of src has its layer", () => {
  expect(files.filter((path) => !layers.includes(layerOf(path)))).toEqual([]);
});

test("no file imports from a later layer", () => {
  expect(files.flatMap((path) => violations(path, readFileSync(join("src", path), "utf8")))).toEqual([]);
});

test.each([
  ["rewards/parse.ts", 'import { loss } from "../loss.ts";', "loss.ts"],
  ["data/scenes/world.ts", 'export type {\n  Prompt,\n} from "../../prompt/prompt.ts";', "prompt/prompt.ts"],
  ["records.ts", 'const { tidy } = await import("./torch/tensor.ts");', "torch/tensor.ts"],
  ["hub/resolve.ts", 'import { readJson } from "../models/config.ts";', "models/config.ts"],
  ["report/report.ts", 'import "../cli/main.ts";', "cli/main.ts"],
])("the rule can be broken: %s", (path, source, target) => {
  expect(violations(path, source)).toEqual([`${path} → ${target}`]);
});

test.each([
  ["loss.ts", 'import { mul } from "./torch/ops.ts";'],
  ["eval/metrics.ts", 'import { parse } from "../rewards/parse.ts";'],
  ["recipe.ts", 'import { modelFolder } from "./hub/resolve.ts";'],
  ["rewards/preset.ts", 'import { bleu } from "./bleu.ts";'],
  ["cli/train.ts", 'import { train } from "../train.ts";'],
])("the rule can be kept: %s", (path, source) => {
  expect(violations(path, source)).toEqual([]);
});
