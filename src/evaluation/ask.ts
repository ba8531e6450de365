/** @file Asks samples in one way, in bounded batches, and measures each answer. */

import { boxLines, chainOf } from "../chain/chain-of.ts";
import { trueBoxes } from "../chain/detection.ts";
import type { Recipe } from "../config/recipe.ts";
import { loadSamples } from "../data/samples.ts";
import type { Engine } from "../engine/engine.ts";
import type { Judge, Rater } from "../judge/judge.ts";
import { METHODS, type MethodName } from "../prompt/methods.ts";
import { isScored, type Prompt, type Sample, type Score, type Unscored } from "../records.ts";
import type { Answered } from "../run/lines.ts";
import { chunks } from "../util/arrays.ts";
import { stream } from "../util/random.ts";
import { measure, responseOf } from "./metrics.ts";

/** A way of asking: prompt format and sampling. */
export interface Asking {
  readonly method: MethodName;
  /** 0 is greedy. */
  readonly temperature: number;
  readonly maxTokens: number;
  readonly seed: number;
  /** Text that every answer begins with. */
  readonly prefix?: string;
}

export interface AskedSet {
  readonly name: string;
  readonly samples: readonly Sample[];
}

/** The held-out sets of a recipe. @throws UserError listing every fault of their files */
export function heldOutSets({ data }: Recipe): Promise<AskedSet[]> {
  return Promise.all(
    Object.entries(data.eval).map(async ([name, file]) => ({
      name,
      samples: await loadSamples([file], { images: data.images }),
    })),
  );
}

/** How a recipe's model is asked when it is evaluated: greedily. */
export function askingOf(recipe: Recipe): Asking {
  const maxTokens = recipe.eval.max_tokens ?? recipe.sampling.max_tokens;
  return { method: recipe.method, temperature: 0, maxTokens, seed: recipe.seed };
}

/** Samples asked together, in several ways with their images decoded once. More at a time would not be faster. */
export const BATCH = 150;

/** Callbacks that follow an evaluation, and the signal that ends it. */
export interface Following {
  /** Called with the number of samples answered so far, fractions of one included. */
  readonly onProgress?: ((done: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Answers every sample of a set in each of the given ways: [way][sample]. @throws the signal's reason when it fires */
export async function evaluate(
  engine: Engine,
  { name, samples }: AskedSet,
  askings: readonly Asking[],
  judge: Judge,
  { onProgress, signal }: Following = {},
): Promise<Answered[][]> {
  const out = askings.map((): Answered[] => []);
  let done = 0;
  for (const batch of chunks(samples, BATCH)) {
    for (const [way, asking] of askings.entries()) {
      const before = done;
      const replies = await ask(engine, batch, asking, { onProgress: (part) => onProgress?.(before + part), signal });
      out[way]!.push(...(await measured(engine, name, asking, replies, judge)));
      done += batch.length;
    }
  }
  return out;
}

/** What a model said about a sample: the part of an answer that only the model can make. */
interface Said {
  /** With the prefix that it was made to begin with. */
  readonly text: string;
  readonly ending: string;
  readonly tokens: number;
}

/** A sample, its prompt and the answer: all that measuring needs. */
export interface Reply {
  readonly sample: Sample;
  readonly prompt: Prompt;
  readonly said: Said;
}

/** An answer from before an interruption; without a number, as score or rating, it is still to be judged. */
export type Known = Said & Pick<Answered, "acc" | "rating">;

/**
 * Answers the samples of a set that are not `known` yet, batch by batch, and judges those that have no score. Answers are given
 * twice: without scores before the judge is asked, so that none is lost when the judge fails, and then with them. A batch is
 * always the same part of the set, asked whole even when only some of its samples are missing: what shares a batch can change a
 * number's last bit, and a resumed evaluation must give what an uninterrupted one gives.
 */
export async function* answerMissing(
  engine: Engine,
  { name, samples }: AskedSet,
  asking: Asking,
  judge: Judge | Rater,
  { known, batch: size = BATCH, ...following }: Following & { known: ReadonlyMap<string, Known>; batch?: number },
): AsyncGenerator<Answered[]> {
  const isOpen = ({ id }: Sample) => {
    const before = known.get(id);
    return typeof (before?.rating ?? before?.acc) !== "number";
  };
  for (const batch of chunks(samples, size)) {
    const open = batch.filter(isOpen);
    if (open.length === 0) continue;
    if (open.every(({ id }) => known.has(id))) {
      yield await measured(engine, name, asking, await recall(engine, open, asking, known), judge);
      continue;
    }
    const replies = (await ask(engine, batch, asking, following)).filter(({ sample }) => isOpen(sample));
    yield await measured(engine, name, asking, replies, nobodyFor(judge));
    yield await measured(engine, name, asking, replies, judge);
  }
}

/** Stands in for the judge in the answers that are kept before the judge is asked. */
function nobodyFor(judge: Judge | Rater): Judge | Rater {
  const later = async () => ({ unscored: "not judged yet" });
  return "rate" in judge ? { name: "nobody", rate: later } : { name: "nobody", judge: later };
}

/**
 * Answers some samples in one way. Each has a random stream of its own, by the seed and its id, so an answer does not depend on
 * the other samples.
 */
export async function ask(
  engine: Engine,
  samples: readonly Sample[],
  asking: Asking,
  { onProgress, signal }: Following = {},
): Promise<Reply[]> {
  const prefix = asking.prefix ?? "";
  const begun = engine.processor.tokenizer.encode(prefix);
  const prompts = await Promise.all(samples.map((sample) => engine.processor.prompt(sample, asking.method)));
  const completions = await engine.sample(
    prompts.map((prompt) => ({ ...prompt, ids: [...prompt.ids, ...begun] })),
    {
      n: 1,
      maxTokens: asking.maxTokens,
      temperature: asking.temperature,
      seed: samples.map(({ id }) => stream(asking.seed, "answer", id).uint32()),
      stop: METHODS[asking.method].stop,
      onProgress,
      signal,
    },
  );
  return samples.map((sample, i) => {
    const { text, ending, ids } = completions[i]![0]!;
    return { sample, prompt: prompts[i]!, said: { text: prefix + text, ending, tokens: ids.length } };
  });
}

/** The known answers to some samples. */
function recall(
  engine: Engine,
  samples: readonly Sample[],
  { method }: Asking,
  known: ReadonlyMap<string, Said>,
): Promise<Reply[]> {
  return Promise.all(
    samples.map(async (sample) => {
      const prompt = await engine.processor.prompt(sample, method);
      return { sample, prompt, said: known.get(sample.id)! };
    }),
  );
}

/** Measures answers to the samples of a set, sample by sample. Of the prompts' images no pixels are needed. */
export function measured(
  { processor }: Engine,
  set: string,
  asking: Asking,
  replies: readonly Reply[],
  judge: Judge | Rater,
): Promise<Answered[]> {
  const part = METHODS[asking.method].answer === "tag" ? "answer" : "whole";
  return Promise.all(
    replies.map(async ({ sample, prompt, said: { text, ending, tokens } }) => {
      const chain = chainOf(processor, prompt, text);
      const { acc, rating, giou, giouRaw, f1, answerIoU, yesNo, choice } = await measure(sample, chain, judge, part);
      return {
        id: sample.id,
        dataset: sample.dataset,
        set,
        image: sample.image,
        sha256: prompt.images[0]!.sha256,
        width: sample.width,
        height: sample.height,
        question: sample.question,
        answer: sample.answer,
        text: chain.text,
        response: responseOf(chain, part),
        boxes: boxLines(chain),
        gtBoxes: trueBoxes(sample).map(({ x1, y1, x2, y2 }) => [x1, y1, x2, y2]),
        ...(acc === undefined ? { acc: null } : verdictAs("acc", acc)),
        ...(rating !== undefined && verdictAs("rating", rating)),
        giou: giou ?? null,
        giouRaw: giouRaw ?? null,
        f1: f1 ?? null,
        answerIoU: answerIoU ?? null,
        yesNo: yesNo ?? null,
        choice: choice ?? null,
        ending,
        tokens,
      };
    }),
  );
}

/** A verdict as a line has it: under its name, null with the reason where there is none. */
function verdictAs<Name extends "acc" | "rating">(name: Name, verdict: Score) {
  const [value, why] = isScored(verdict) ? [verdict, {}] : [null, verdict];
  return { [name]: value, ...why } as Record<Name, number | null> & Partial<Unscored>;
}
