/** @file What the probes of chains share on the command line: their options, the model, and its way through the data file. */
import { Command } from "commander";
import type { Engine } from "../engine/engine.ts";
import { loadChainLines, overChains } from "../jobs/probe-chains.ts";
import type { AnsweredSample } from "../probes/faithfulness.ts";
import { unlessAborted } from "../util/interruptible.ts";
import { followed } from "./asking-progress.ts";
import { interruptibly, NOTHING_WRITTEN } from "./interrupts.ts";
import { addModelOptions, type ModelOptions, openModel } from "./model-options.ts";
import { integer } from "./number-options.ts";
import { under } from "./option-groups.ts";
import { checkNewFolder } from "./result-file.ts";

/** A model, and the chains it is probed with. */
export interface ProbeOptions extends ModelOptions {
  readonly data: string;
  readonly out: string;
  readonly limit?: number;
  readonly maxTokens: number;
  readonly seed: number;
}

/** A command with the options of `ProbeOptions`. */
export function chainsCommand(name: string, description: string): Command {
  const command = addModelOptions(new Command(name).description(description));
  under(command, "input")
    .requiredOption(
      "--data <file>",
      "JSON lines, as for training; a line's completion, or its text as grit generate writes it, is its chain; without either the model writes one",
    )
    .option("--limit <n>", "only the first n lines", integer(1));
  under(command, "sampling")
    .option("--max-tokens <n>", "longest answer, in tokens", integer(1), 1000)
    .option("--seed <n>", "makes what is random in the probe repeatable", integer(0), 1);
  return under(command, "output").requiredOption(
    "--out <dir>",
    "folder for rows.jsonl and summary.json; must not exist",
  );
}

/**
 * Opens the model and gives the chain of each line to `work`, some at a time. Gives what it makes of them, and how many chains
 * there were.
 * @throws UserError when `out` is there already, and for lines and completions that cannot be asked; Interrupted after a signal
 */
export async function probeChains<R>(
  options: ProbeOptions,
  work: (engine: Engine, batch: readonly AnsweredSample[], signal: AbortSignal) => Promise<readonly R[]>,
): Promise<{ rows: R[]; chains: number }> {
  checkNewFolder(options.out);
  return await interruptibly(NOTHING_WRITTEN, async (signal) => {
    const all = await unlessAborted(signal, loadChainLines(options.data, { images: options.images }));
    const lines = all.slice(0, options.limit);
    const engine = await openModel(options, signal);
    try {
      const rows = await followed("probe", lines.length, (following) =>
        overChains(engine, lines, { ...options, ...following, signal }, (batch) => work(engine, batch, signal)),
      );
      return { rows, chains: lines.length };
    } finally {
      await engine.dispose();
    }
  });
}
