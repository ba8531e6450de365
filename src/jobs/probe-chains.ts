/** @file Takes the chains of a data file, given in it or written by the model, through a probe. */
import type { z } from "zod";
import { chainOf } from "../chain/chain-of.ts";
import { givenCompletion } from "../data/given-completion.ts";
import { type LoadedLine, type LoadOptions, loadLinesWith } from "../data/samples.ts";
import type { Engine } from "../engine/engine.ts";
import type { AnsweredSample } from "../probes/faithfulness.ts";
import { METHODS, type MethodName } from "../prompt/methods.ts";
import { chunks } from "../util/arrays.ts";
import { Faults } from "../util/faults.ts";
import { checkLines, type LinesFollowing, promptsOf } from "./asked-lines.ts";

/** A chain may be given; else the model writes it, greedily. */
const lineSchema = givenCompletion.superRefine(({ text, textKey }, context) => {
  if (text === "") context.addIssue({ code: "custom", path: [textKey], message: "is empty" });
});

/** A sample with its chain, if that is given. */
export type ChainLine = LoadedLine<z.infer<typeof lineSchema>>;

/** The lines of a data file. @throws UserError naming every fault of the file and its images */
export function loadChainLines(file: string, options: LoadOptions = {}): Promise<ChainLine[]> {
  return loadLinesWith([file], lineSchema, options);
}

export interface ChainOptions extends LinesFollowing {
  readonly method: MethodName;
  /** Longest chain that the model may write. */
  readonly maxTokens: number;
  readonly seed: number;
}

/** Chains under way together. */
const BATCH = 16;

/**
 * Takes the chain of every line, or lets the model write it, and gives them to `work` some at a time. Gives what it makes of them.
 * @throws UserError for lines and completions that cannot be asked
 */
export async function overChains<R>(
  engine: Engine,
  lines: readonly ChainLine[],
  options: ChainOptions,
  work: (batch: readonly AnsweredSample[]) => Promise<readonly R[]>,
): Promise<R[]> {
  const { method, maxTokens, onProgress, signal } = options;
  const { tokenizer } = engine.processor;
  for (const { extra, file, line } of lines)
    tokenizer.refuseSpecial(extra.text ?? "", `${file}:${line}: ${extra.textKey}: the text`);
  const planned = lines.map((line) => {
    const { text } = line.extra;
    return { line, newTokens: text === undefined ? maxTokens : tokenizer.encode(text).length };
  });
  await checkLines(engine, planned, method, new Faults(), options);
  const rows: R[] = [];
  let done = 0;
  for (const batch of chunks(lines, BATCH)) {
    signal?.throwIfAborted();
    rows.push(...(await work(await chainsOf(engine, batch, options))));
    done += batch.length;
    onProgress?.(done);
  }
  return rows;
}

/** The chain of every line: the given one, or one that the model writes. */
async function chainsOf(
  engine: Engine,
  lines: readonly ChainLine[],
  { method, maxTokens, seed, signal }: ChainOptions,
): Promise<AnsweredSample[]> {
  const { processor } = engine;
  const prompts = await promptsOf(processor, lines, method);
  const missing = prompts.filter((_, i) => lines[i]!.extra.text === undefined);
  const stop = METHODS[method].stop;
  const options = { n: 1, maxTokens, temperature: 0, seed, stop, signal };
  const completions = await engine.sample(missing, options);
  const written = completions.map(([completion]) => completion!.text).values();
  return lines.map(({ sample, extra }, i) => {
    const text = extra.text ?? written.next().value!;
    return { sample, prompt: prompts[i]!, chain: chainOf(processor, prompts[i]!, text) };
  });
}
