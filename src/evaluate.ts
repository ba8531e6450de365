/** @file Evaluation: samples asked in one way, in bounded batches, and measured sample by sample. */
import { loadSamples } from "./data/samples.ts";
import type { LocalEngine } from "./engine/local.ts";
import { byBudget } from "./engine/packing.ts";
import { measure, trueBoxes } from "./eval/metrics.ts";
import type { YesNoAnswer } from "./eval/yes_no.ts";
import { METHODS, type MethodName } from "./prompt/methods.ts";
import { IMAGES_KEPT } from "./prompt/prompt.ts";
import { stream } from "./random.ts";
import type { Recipe } from "./recipe.ts";
import { isScored, type Sample } from "./records.ts";
import type { Judge } from "./rewards/judge.ts";
import { boxLines, chainOf } from "./rollouts.ts";

/** A way of asking. */
export interface Asking {
  readonly method: MethodName;
  /** 0 is greedy. */
  readonly temperature: number;
  readonly maxTokens: number;
  readonly seed: number;
  /** Text the answer is made to begin with. */
  readonly prefix?: string;
}

/** One answered sample, as `samples.jsonl` holds it. A metric that does not apply to it is null: see `Measured`. */
export interface Answered {
  readonly id: string;
  readonly dataset: string;
  readonly set: string;
  /** Path of the image file, and the hash of its bytes. */
  readonly image: string;
  readonly sha256: string;
  readonly width: number;
  readonly height: number;
  readonly question: string;
  readonly answer: string;
  readonly text: string;
  readonly response: string | undefined;
  readonly boxes: ReturnType<typeof boxLines>;
  readonly gtBoxes: readonly (readonly number[])[];
  /** Null when it could not be judged: see `unscored`. */
  readonly acc: number | null;
  readonly unscored?: string;
  readonly giou: number | null;
  readonly giouRaw: number | null;
  readonly f1: number | null;
  readonly yesNo: YesNoAnswer | null;
  readonly choice: number | null;
  readonly ending: string;
  readonly tokens: number;
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

/** How a recipe's model is asked when it is measured: greedily. */
export function askingOf(recipe: Recipe): Asking {
  const maxTokens = recipe.eval.max_tokens ?? recipe.sampling.max_tokens;
  return { method: recipe.method, temperature: 0, maxTokens, seed: recipe.seed };
}

/** Samples asked together, in several ways with their images decoded once. */
export const BATCH = IMAGES_KEPT;

/** How far an evaluation has come, and what may end it. */
export interface Following {
  /** Called with the number of samples answered so far, of those that are asked. */
  readonly onProgress?: (done: number) => void;
  readonly signal?: AbortSignal;
}

/** Answers every sample of a set in each of the given ways: [way][sample]. */
export async function evaluate(
  engine: LocalEngine,
  { name, samples }: AskedSet,
  askings: readonly Asking[],
  judge: Judge,
  onProgress?: (done: number) => void,
): Promise<Answered[][]> {
  const out = askings.map((): Answered[] => []);
  let done = 0;
  for (const batch of byBudget(samples, () => 1, BATCH)) {
    for (const [way, asking] of askings.entries()) {
      const before = done;
      out[way]!.push(
        ...(await answer(engine, name, batch, asking, judge, { onProgress: (part) => onProgress?.(before + part) })),
      );
      done += batch.length;
    }
  }
  return out;
}

/**
 * Answers the samples of a set that are not `known` yet, batch by batch. A batch is a fixed stretch of the set, asked whole
 * even when only some of its samples are missing: what shares a batch can move a number's last bit, and an evaluation that is
 * taken up again is to give what an unbroken one gives.
 */
export async function* answerMissing(
  engine: LocalEngine,
  { name, samples }: AskedSet,
  asking: Asking,
  judge: Judge,
  { known, batch: size = BATCH, ...following }: Following & { known: ReadonlySet<string>; batch?: number },
): AsyncGenerator<Answered[]> {
  const isMissing = ({ id }: { id: string }) => !known.has(id);
  for (const batch of byBudget(samples, () => 1, size)) {
    if (batch.some(isMissing)) yield (await answer(engine, name, batch, asking, judge, following)).filter(isMissing);
  }
}

/**
 * Answers some samples in one way. Each has a random stream of its own, by the seed and its id: an answer does not depend on
 * what is asked with it.
 */
export async function answer(
  engine: LocalEngine,
  set: string,
  samples: readonly Sample[],
  asking: Asking,
  judge: Judge,
  { onProgress, signal }: Following = {},
): Promise<Answered[]> {
  const method = METHODS[asking.method];
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
      stop: method.stop,
      ...(onProgress && { onProgress }),
      ...(signal && { signal }),
    },
  );
  return Promise.all(
    samples.map(async (sample, i) => {
      const [completion] = completions[i]!;
      const chain = chainOf(engine.processor, prompts[i]!, prefix + completion!.text);
      const { acc, giou, giouRaw, f1, yesNo, choice } = await measure(
        sample,
        chain,
        judge,
        method.answer === "tag" ? "answer" : "whole",
      );
      return {
        id: sample.id,
        dataset: sample.dataset,
        set,
        image: sample.image,
        sha256: prompts[i]!.images[0]!.sha256,
        width: sample.width,
        height: sample.height,
        question: sample.question,
        answer: sample.answer,
        text: chain.text,
        response: method.answer === "tag" ? chain.answer : chain.text,
        boxes: boxLines(chain),
        gtBoxes: trueBoxes(sample).map(({ x1, y1, x2, y2 }) => [x1, y1, x2, y2]),
        ...(isScored(acc) ? { acc } : { acc: null, unscored: acc.unscored }),
        giou: giou ?? null,
        giouRaw: giouRaw ?? null,
        f1: f1 ?? null,
        yesNo: yesNo ?? null,
        choice: choice ?? null,
        ending: completion!.ending,
        tokens: completion!.ids.length,
      };
    }),
  );
}
