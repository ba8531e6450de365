/** @file `grit generate`: one completion for every line of a data file. */
import { Command } from "commander";
import { loadLines } from "../data/samples.ts";
import { generate } from "../jobs/generate.ts";
import { unlessAborted } from "../util/interruptible.ts";
import { followed } from "./asking-progress.ts";
import { interruptibly, NOTHING_WRITTEN } from "./interrupts.ts";
import {
  addModelOptions,
  addSamplingOptions,
  type ModelOptions,
  openModel,
  type SamplingOptions,
} from "./model-options.ts";
import { integer, share } from "./number-options.ts";
import { under } from "./option-groups.ts";
import { checkOut, writeRows } from "./result-file.ts";

interface Options extends ModelOptions, SamplingOptions {
  readonly data: string;
  readonly out: string;
  readonly topP: number;
  readonly topK: number;
}

/** The command `generate`. */
export function generateCommand(): Command {
  const command = new Command("generate").description("write one completion for every line of a data file");
  under(command, "input").requiredOption("--data <file>", "JSON lines, as for training");
  under(command, "output").requiredOption(
    "--out <file>",
    "JSON lines to write: the sample, then text, response, tokens, logprobs, boxes, frame, ended",
  );
  return addSamplingOptions(addModelOptions(command))
    .option("--top-p <p>", "keep the likeliest tokens that add up to this probability", share, 1)
    .option("--top-k <k>", "keep that many likeliest tokens; 0: all", integer(0), 0)
    .action(async (options: Options) => {
      checkOut(options.out, options.data);
      await interruptibly(NOTHING_WRITTEN, async (signal) => {
        const lines = await unlessAborted(signal, loadLines([options.data], { images: options.images }));
        const engine = await openModel(options, signal);
        try {
          const rows = await followed("generate", lines.length, (following) =>
            generate(engine, lines, { ...options, ...following, signal }),
          );
          writeRows(options.out, rows);
          console.log(`${rows.length} completions are in ${options.out}.`);
        } finally {
          await engine.dispose();
        }
      });
    });
}
