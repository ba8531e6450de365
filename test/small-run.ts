/** @file A training that takes moments: samples about one image, the smallest checkpoint, a reward that tells its completions apart. */
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { VARIETY } from "./variety.ts";

const golden = (path: string) => fileURLToPath(new URL(`golden/${path}`, import.meta.url));

/** The folder of the smallest checkpoint. */
export const SMALLEST = golden("qwen2_5_vl/checkpoints/tied");

/** Writes data lines about an image beside them; the file's path. Their ids begin with the file's name. */
export function writeSmallData(dir: string, name: string, count: number): string {
  copyFileSync(golden("images/files/rgb-64x48.png"), join(dir, "image.png"));
  const lines = Array.from({ length: count }, (_, i) => {
    const said = { question: `Is there a dog beside number ${i}?`, answer: i % 2 ? "yes" : "no" };
    return JSON.stringify({ id: `${name}-${i}`, image: "image.png", ...said, dataset: "vsr" });
  });
  const file = join(dir, `${name}.jsonl`);
  writeFileSync(file, lines.map((line) => `${line}\n`).join(""));
  return file;
}

/** Writes the recipe of a training with its files; the recipe's path. Its own keys are given, one a line of YAML. */
export function writeSmallRecipe(dir: string, own: readonly string[]): string {
  writeSmallData(dir, "train", 2);
  writeFileSync(join(dir, "variety.mjs"), VARIETY);
  const recipe = join(dir, "recipe.yaml");
  const lines = [
    `model: ${SMALLEST}`,
    "rewards: { custom: [variety.mjs] }",
    "method: direct",
    "group_size: 2",
    "sampling: { temperature: 1, max_tokens: 4 }",
    "precision: float32",
    "device: cpu",
    ...own,
  ];
  writeFileSync(recipe, lines.map((line) => `${line}\n`).join(""));
  return recipe;
}
