/** @file `grit data scenes`: renders the scenes world's training and held-out sets into a folder. */

import { Command } from "commander";
import { DEFAULT_COUNTS, renderSets } from "../data/scenes/sets.ts";
import { UserError } from "../errors.ts";

/** The command `scenes`, to be added to `grit data`. */
export function scenesCommand(): Command {
  return new Command("scenes")
    .description("render the scenes world: six held-out sets and two training sets of ten, JSONL and PNG, no downloads")
    .requiredOption("--out <dir>", "folder to make; one that holds the same sets is left as it is")
    .option("--seed <n>", "seed of all scenes", "0")
    .option("--n <n>", "samples a held-out set", String(DEFAULT_COUNTS.val))
    .action(async (options: { out: string; seed: string; n: string }) => {
      const seed = wholeNumber("--seed", options.seed, 0);
      const val = wholeNumber("--n", options.n, 1);
      const { out, files, reused } = await renderSets({ out: options.out, seed, counts: { ...DEFAULT_COUNTS, val } });
      for (const { file, samples } of files) console.log(`${file}  ${samples} samples`);
      console.log(reused ? `${out} already holds these sets.` : `Written to ${out}`);
    });
}

function wholeNumber(option: string, text: string, least: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
  throw new UserError(
    `${option} ${text} is not a whole number from ${least} up.`,
    `Give it as digits, e.g. ${option} 7.`,
  );
}
