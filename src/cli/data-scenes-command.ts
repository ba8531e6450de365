/** @file `grit data scenes`: renders the scenes world's training and held-out sets into a folder. */

import { Command } from "commander";
import { scenes } from "../../tools/places.mjs";
import { DEFAULT_COUNTS, renderSets } from "../data/scenes/sets.ts";
import { Progress } from "../util/progress.ts";
import { integer } from "./number-options.ts";

/** The command `scenes`, to be added to `grit data`. */
export function scenesCommand(): Command {
  return new Command("scenes")
    .description("render the scenes world: seven held-out sets and two training sets, JSONL and PNG, no downloads")
    .option("--out <dir>", "folder to make; a folder that already holds the same sets is kept", scenes)
    .option("--seed <n>", "seed of all scenes", integer(0), 1)
    .option("--n <n>", "samples a held-out set", integer(1), DEFAULT_COUNTS.val)
    .option(
      "--train <n>",
      "samples a training set, of which the first are those of a smaller one",
      integer(1),
      DEFAULT_COUNTS.train,
    )
    .option(
      "--least <n>",
      "fewest objects that counting is asked about (default: small counts are common)",
      integer(0, 9),
    )
    .action(async (options: { out: string; seed: number; n: number; train: number; least?: number }) => {
      const counts = { train: options.train, val: options.n, least: options.least };
      const progress = new Progress({ label: "render", total: 2 * counts.train + 7 * counts.val });
      const { out, files, reused } = await renderSets({
        out: options.out,
        seed: options.seed,
        counts,
        onProgress: (done) => progress.update(done),
      });
      progress.finish();
      for (const { file, samples } of files) console.log(`${file}  ${samples} samples`);
      console.log(reused ? `${out} already holds these sets.` : `Written to ${out}`);
    });
}
