/** @file Evaluation: one set of samples asked in one way, measured sample by sample. */
import { loadSamples } from "./data/samples.ts";
import type { LocalEngine } from "./engine/local.ts";
import { measure, trueBoxes } from "./eval/metrics.ts";
import { METHODS, type MethodName } from "./prompt/methods.ts";
import type { Recipe } from "./recipe.ts";
import { isScored, type Prompt, type Sample, type Score } from "./records.ts";
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

/** One answered sample, as `samples.jsonl` holds it. Box metrics are null where there are no true boxes. */
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
  readonly acc: number | null;
  /** Why `acc` is null. */
  readonly unscored?: string;
  readonly giou: number | null;
  readonly giouRaw: number | null;
  readonly f1: number | null;
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

/** Answers every sample of a set in each of the given ways: [way][sample]. Images are read once for all ways. */
export async function evaluate(
  engine: LocalEngine,
  { name, samples }: AskedSet,
  askings: readonly Asking[],
  judge: Judge,
  onProgress?: (done: number) => void,
): Promise<Answered[][]> {
  const out: Answered[][] = [];
  const prompts = new Map<MethodName, Prompt[]>();
  for (const [way, asking] of askings.entries()) {
    const method = METHODS[asking.method];
    let asked = prompts.get(asking.method);
    if (!asked) {
      asked = await Promise.all(samples.map((sample) => engine.processor.prompt(sample, asking.method)));
      prompts.set(asking.method, asked);
    }
    const prefix = asking.prefix ?? "";
    const begun = engine.processor.tokenizer.encode(prefix);
    const completions = await engine.sample(
      asked.map((prompt) => ({ ...prompt, ids: [...prompt.ids, ...begun] })),
      {
        n: 1,
        maxTokens: asking.maxTokens,
        temperature: asking.temperature,
        seed: asking.seed,
        stop: method.stop,
        onProgress: (done) => onProgress?.(way * samples.length + done),
      },
    );
    out.push(
      await Promise.all(
        samples.map(async (sample, i) => {
          const [completion] = completions[i]!;
          const chain = chainOf(engine.processor, asked[i]!, prefix + completion!.text);
          const { acc, giou, giouRaw, f1 } = await measure(
            sample,
            chain,
            judge,
            method.answer === "tag" ? "answer" : "whole",
          );
          return {
            id: sample.id,
            dataset: sample.dataset,
            set: name,
            image: sample.image,
            sha256: asked[i]!.images[0]!.sha256,
            width: sample.width,
            height: sample.height,
            question: sample.question,
            answer: sample.answer,
            text: chain.text,
            response: method.answer === "tag" ? chain.answer : chain.text,
            boxes: boxLines(chain),
            gtBoxes: trueBoxes(sample).map(({ x1, y1, x2, y2 }) => [x1, y1, x2, y2]),
            acc: value(acc),
            ...(!isScored(acc) && acc),
            giou: giou ?? null,
            giouRaw: giouRaw ?? null,
            f1: f1 ?? null,
            ending: completion!.ending,
            tokens: completion!.ids.length,
          };
        }),
      ),
    );
  }
  return out;
}

function value(score: Score): number | null {
  return isScored(score) ? score : null;
}
