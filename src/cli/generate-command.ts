/** @file `grit generate`: one completion for every line of a data file. */

import { Command } from "commander";
import { z } from "zod";
import { chainOf } from "../chain/chain-of.ts";
import { type LoadedLine, loadLines, sampleLine } from "../data/samples.ts";
import { checkPrompts } from "../engine/check-prompts.ts";
import type { LocalEngine } from "../engine/local.ts";
import { responseOf } from "../evaluation/metrics.ts";
import { METHODS, type MethodName } from "../prompt/methods.ts";
import type { Processor } from "../prompt/prompt.ts";
import type { Completion, Ending, Prompt } from "../records.ts";
import { chunks } from "../util/arrays.ts";
import { Faults } from "../util/faults.ts";
import { Progress } from "../util/progress.ts";
import { stream } from "../util/random.ts";
import { askingStages, checkOut, MEND, planned, promptsOf, writeRows } from "./model-lines.ts";
import {
  addModelOptions,
  addSamplingOptions,
  type ModelOptions,
  openModel,
  type SamplingOptions,
} from "./model-options.ts";
import { integer, share } from "./number-options.ts";
import { under } from "./option-groups.ts";

interface Options extends ModelOptions, SamplingOptions {
  readonly data: string;
  readonly out: string;
  readonly topP: number;
  readonly topK: number;
}

/** What is written for one line, after the sample itself: `score`, `rewards`, `judge` and `probe` read the file as it is. */
export interface GeneratedRow {
  readonly id: string;
  readonly text: string;
  /** What is judged: what stands after `<answer>`, null without it, or the whole text where the method has no tags. */
  readonly response: string | null;
  /** Ids, the end token among them where one was sampled. */
  readonly tokens: readonly number[];
  /** At temperature 1, whatever the sampling. */
  readonly logprobs: readonly number[];
  /** [x1, y1, x2, y2] in pixels of the stored image, in the order of the text. */
  readonly boxes: readonly (readonly number[])[];
  /** [width, height] in pixels of the resized image that the model saw. */
  readonly frame: readonly [number, number];
  readonly ended: Ending;
}

/** Lines whose images are held at a time; one of 200,704 pixels takes about 5 MB. */
const BATCH = 64;

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
      const lines = await loadLines([options.data], z.unknown(), { images: options.images });
      const engine = openModel(options);
      try {
        const progress = new Progress(askingStages("generate", lines.length));
        const rows = await generate(engine, lines, options, progress);
        progress.finish();
        writeRows(options.out, rows);
        console.log(`${rows.length} completions are in ${options.out}.`);
      } finally {
        engine.dispose();
      }
    });
}

async function generate(
  engine: LocalEngine,
  lines: readonly LoadedLine<unknown>[],
  { data, method, temperature, topP, topK, maxTokens, seed }: Options,
  progress: Progress,
): Promise<GeneratedRow[]> {
  const faults = new Faults();
  const plans = lines.map((line) => planned(line, method, maxTokens));
  await checkPrompts(engine, plans, faults, (done) => progress.update(done));
  faults.throwIfAny(data, MEND);
  progress.enter("generate");
  const rows: GeneratedRow[] = [];
  for (const batch of chunks(lines, BATCH)) {
    const prompts = await promptsOf(engine.processor, batch, method);
    const completions = await engine.sample(prompts, {
      n: 1,
      maxTokens,
      temperature,
      topP,
      topK,
      // Within a call the engine gives each completion a stream of its own.
      seed: stream(seed, "generate", rows.length).uint32(),
      stop: METHODS[method].stop,
      onProgress: (done) => progress.update(rows.length + done),
    });
    rows.push(
      ...batch.map(({ sample }, i) => ({
        ...sampleLine(sample),
        ...generatedRow(engine.processor, sample.id, prompts[i]!, completions[i]![0]!, method),
      })),
    );
  }
  return rows;
}

/** The row of a completion, its boxes brought to the image by the prompt's recorded resize. */
export function generatedRow(
  processor: Processor,
  id: string,
  prompt: Prompt,
  completion: Completion,
  method: MethodName,
): GeneratedRow {
  const { frameWidth, frameHeight } = prompt.images[0]!.frame;
  const chain = chainOf(processor, prompt, completion.text);
  return {
    id,
    text: completion.text,
    response: responseOf(chain, METHODS[method].answer === "tag" ? "answer" : "whole") ?? null,
    tokens: completion.ids,
    logprobs: completion.logprobs,
    boxes: chain.boxes.map(({ box: { x1, y1, x2, y2 } }) => [x1, y1, x2, y2]),
    frame: [frameWidth, frameHeight],
    ended: completion.ending,
  };
}
