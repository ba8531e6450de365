/**
 * @file The speed of two processes with one thread each against one process with two: the same training of the tiny base, by the
 * command line.
 *
 *     npx tsx bench/distributed.ts [--steps 4]
 *
 * Prints the seconds of a step, and their ratio: 1 where nothing is lost by dividing it.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { stringify } from "yaml";
import { RunFolder } from "../src/run/run-folder.ts";
import { median } from "../src/util/arrays.ts";

const { values } = parseArgs({ options: { steps: { type: "string", default: "4" } } });
const dir = mkdtempSync(join(tmpdir(), "grit-distributed-"));
try {
  grit({}, "data", "scenes", "--out", join(dir, "scenes"));
  const recipe = {
    model: resolve("models/grit-tiny-base"),
    data: { train: [join(dir, "scenes", "vsr_train_10.jsonl"), join(dir, "scenes", "tallyqa_train_10.jsonl")] },
    steps: Number(values.steps),
    prompts_per_step: 8,
    group_size: 4,
    sampling: { temperature: 1, max_tokens: 128 },
    optimizer: { lr: 1e-5 },
    precision: "float32",
    save: { every: 1000 },
  };
  writeFileSync(join(dir, "recipe.yaml"), stringify(recipe));
  const [one, two] = [secondsOf("one", 2, []), secondsOf("two", 1, ["--processes", "2"])];
  console.log(`one process, two threads:  ${one.toFixed(2)} s a step`);
  console.log(`two processes, one each:   ${two.toFixed(2)} s a step, ${(one / two).toFixed(2)} of the speed`);
} finally {
  rmSync(dir, { recursive: true, force: true });
}

/** Seconds of a step, the median without the first. */
function secondsOf(name: string, threads: number, more: readonly string[]): number {
  const run = join(dir, name);
  grit({ OMP_NUM_THREADS: String(threads) }, "train", join(dir, "recipe.yaml"), "--run", run, ...more);
  const [, ...steps] = RunFolder.open(run).metrics();
  return median(steps.map(({ seconds }) => seconds!.total!));
}

function grit(env: Record<string, string>, ...args: string[]): void {
  execFileSync(process.execPath, ["bin/grit.mjs", ...args], { env: { ...process.env, ...env }, stdio: "ignore" });
}
