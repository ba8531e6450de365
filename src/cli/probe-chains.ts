/** @file Chains of a data file, given in it or written by the model, on their way through a probe. */

import { existsSync } from "node:fs";
import { Command } from "commander";
import type { z } from "zod";
import { chainOf } from "../chain/chain-of.ts";
import { givenCompletion } from "../data/given-completion.ts";
import { type LoadedLine, loadLines } from "../data/samples.ts";
import { checkPrompts } from "../engine/check-prompts.ts";
import type { LocalEngine } from "../engine/local.ts";
import type { AnsweredSample } from "../probes/faithfulness.ts";
import { METHODS } from "../prompt/methods.ts";
import { chunks } from "../util/arrays.ts";
import { UserError } from "../util/errors.ts";
import { Faults } from "../util/faults.ts";
import { Progress } from "../util/progress.ts";
import { askingStages, MEND, planned, promptsOf } from "./model-lines.ts";
import { addModelOptions, type ModelOptions, openModel } from "./model-options.ts";
import { integer } from "./number-options.ts";
import { under } from "./option-groups.ts";

/** A model, and the chains it is probed with. */
export interface ChainOptions extends ModelOptions {
  readonly data: string;
  readonly out: string;
  readonly limit?: number;
  readonly maxTokens: number;
  readonly seed: number;
}

/** A chain may be given; else the model writes it, greedily. */
const lineSchema = givenCompletion.superRefine(({ text, textKey }, context) => {
  if (text === "") context.addIssue({ code: "custom", path: [textKey], message: "is empty" });
});
type Line = LoadedLine<z.infer<typeof lineSchema>>;

/** Chains under way together. */
const BATCH = 16;

/** A command with the options of `ChainOptions`. */
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
 * Opens the model, reads or writes a chain for each line, and gives them to `work` some at a time. Gives what it makes of them, and how many
 * chains there were.
 * @throws UserError when `out` is there already, and for lines and completions that cannot be asked
 */
export async function overChains<R>(
  options: ChainOptions,
  work: (engine: LocalEngine, batch: readonly AnsweredSample[]) => Promise<readonly R[]>,
): Promise<{ rows: R[]; chains: number }> {
  if (existsSync(options.out)) throw new UserError(`${options.out} already exists.`, "Choose another --out.");
  const all = await loadLines([options.data], lineSchema, { images: options.images });
  const lines = all.slice(0, options.limit);
  const engine = openModel(options);
  try {
    checkCompletions(engine, lines);
    const progress = new Progress(askingStages("probe", lines.length));
    await checkRoom(engine, lines, options, (done) => progress.update(done));
    progress.enter("probe");
    const rows: R[] = [];
    let chains = 0;
    for (const batch of chunks(lines, BATCH)) {
      rows.push(...(await work(engine, await chainsOf(engine, batch, options))));
      chains += batch.length;
      progress.update(chains);
    }
    progress.finish();
    return { rows, chains };
  } finally {
    engine.dispose();
  }
}

function checkCompletions({ processor }: LocalEngine, lines: readonly Line[]): void {
  for (const { extra, file, line } of lines)
    processor.tokenizer.refuseSpecial(extra.text ?? "", `${file}:${line}: ${extra.textKey}: the text`);
}

/** Lays out every prompt once. @throws UserError naming all that cannot be asked, or have no room for their chains */
async function checkRoom(
  engine: LocalEngine,
  lines: readonly Line[],
  { data, method, maxTokens }: ChainOptions,
  onProgress: (done: number) => void,
): Promise<void> {
  const faults = new Faults();
  const plans = lines.map((line) => {
    const { text } = line.extra;
    const given = text === undefined ? undefined : engine.processor.tokenizer.encode(text);
    return planned(line, method, given?.length ?? maxTokens);
  });
  await checkPrompts(engine, plans, faults, onProgress);
  faults.throwIfAny(data, MEND);
}

/** The chain of every line: the given one, or one that the model writes. */
async function chainsOf(
  engine: LocalEngine,
  lines: readonly Line[],
  { method, maxTokens, seed }: ChainOptions,
): Promise<AnsweredSample[]> {
  const { processor } = engine;
  const prompts = await promptsOf(processor, lines, method);
  const missing = prompts.filter((_, i) => lines[i]!.extra.text === undefined);
  const stop = METHODS[method].stop;
  const completions = await engine.sample(missing, { n: 1, maxTokens, temperature: 0, seed, stop });
  const written = completions.map(([completion]) => completion!.text).values();
  return lines.map(({ sample, extra }, i) => {
    const text = extra.text ?? written.next().value!;
    return { sample, prompt: prompts[i]!, chain: chainOf(processor, prompts[i]!, text) };
  });
}
