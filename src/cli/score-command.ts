/** @file `grit score`: log-probabilities of given completions, token by token. */
import { Command } from "commander";
import { loadCompletions, score } from "../jobs/score.ts";
import { unlessAborted } from "../util/interruptible.ts";
import { followed } from "./asking-progress.ts";
import { interruptibly, NOTHING_WRITTEN } from "./interrupts.ts";
import { addModelOptions, type ModelOptions, openModel } from "./model-options.ts";
import { under } from "./option-groups.ts";
import { checkOut, writeRows } from "./result-file.ts";

interface Options extends ModelOptions {
  readonly data: string;
  readonly out: string;
}

/** The command `score`. */
export function scoreCommand(): Command {
  const command = new Command("score").description("write the log-probability of every token of given completions");
  under(command, "input").requiredOption(
    "--data <file>",
    "JSON lines, as for training, with completion (text, read as continuing the prompt; no end token is added) or " +
      "completion_ids (used where a line has both); or what grit generate, grit eval or a run has written",
  );
  under(command, "output").requiredOption("--out <file>", "JSON lines to write: id, tokens, logprobs");
  return addModelOptions(command).action(async (options: Options) => {
    checkOut(options.out, options.data);
    await interruptibly(NOTHING_WRITTEN, async (signal) => {
      const lines = await unlessAborted(signal, loadCompletions([options.data], { images: options.images }));
      const engine = await openModel(options, signal);
      try {
        const rows = await followed("score", lines.length, (following) =>
          score(engine, lines, { ...options, ...following, signal }),
        );
        writeRows(options.out, rows);
        console.log(`${rows.length} completions are scored in ${options.out}.`);
      } finally {
        await engine.dispose();
      }
    });
  });
}
