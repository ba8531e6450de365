/** @file Generates one completion for every line of a data file. */
import { chainOf } from "../chain/chain-of.ts";
import { type LoadedLine, sampleLine } from "../data/samples.ts";
import type { Engine } from "../engine/engine.ts";
import { responseOf } from "../evaluation/metrics.ts";
import { METHODS, type MethodName } from "../prompt/methods.ts";
import type { Processor } from "../prompt/prompt.ts";
import type { Completion, Ending, Prompt } from "../records.ts";
import { chunks } from "../util/arrays.ts";
import { Faults } from "../util/faults.ts";
import { stream } from "../util/random.ts";
import { checkLines, type LinesFollowing, promptsOf } from "./asked-lines.ts";

export interface GenerateOptions extends LinesFollowing {
  /** The way of asking. Default `grit`. */
  readonly method?: MethodName;
  /** Default 0, greedy. */
  readonly temperature?: number;
  /** Keep the likeliest tokens whose probabilities add up to this. Default 1: all. */
  readonly topP?: number;
  /** Keep that many likeliest tokens. Default 0: all. */
  readonly topK?: number;
  /** Longest completion in tokens. Default 1000. */
  readonly maxTokens?: number;
  /** Default 1. */
  readonly seed?: number;
}

/** What `generate` adds to a sample. */
export interface Generated {
  readonly id: string;
  readonly text: string;
  /** The part that is judged: the text after `<answer>`, null without the tag, or the whole text where the method has no tags. */
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

/** A completion with its sample, as a line of a data file: `score`, `rewards`, `judge` and `probe` read it as it is. */
export type GeneratedRow = ReturnType<typeof sampleLine> & Generated;

/** Lines whose images are held at a time; one of 200,704 pixels takes about 5 MB. */
const BATCH = 64;

/**
 * Asks the engine's policy about every line that `loadLines` gave.
 * @throws UserError naming every line that cannot be asked, before the first is; the signal's reason when it fires
 */
export async function generate(
  engine: Engine,
  lines: readonly LoadedLine<unknown>[],
  options: GenerateOptions = {},
): Promise<GeneratedRow[]> {
  const { method = "grit", temperature = 0, topP = 1, topK = 0, maxTokens = 1000, seed = 1 } = options;
  const { onProgress, signal } = options;
  const planned = lines.map((line) => ({ line, newTokens: maxTokens }));
  await checkLines(engine, planned, method, new Faults(), options);
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
      onProgress: (done) => onProgress?.(rows.length + done),
      signal,
    });
    rows.push(
      ...batch.map(({ sample }, i) => ({
        ...sampleLine(sample),
        ...generatedOf(engine.processor, sample.id, prompts[i]!, completions[i]![0]!, method),
      })),
    );
  }
  return rows;
}

/** The row of a completion, its boxes converted to image pixels by the prompt's recorded resize. */
export function generatedOf(
  processor: Processor,
  id: string,
  prompt: Prompt,
  completion: Completion,
  method: MethodName,
): Generated {
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
