/**
 * @file Sampling: prompts are prefilled once for all their completions, then every sequence writes one token a step.
 * Finished sequences leave the batch.
 */
import { attentionType, CacheAttention, PackAttention } from "../models/attention.ts";
import { forward } from "../models/forward.ts";
import { KVCache } from "../models/kv-cache.ts";
import type { Model, Positions } from "../models/model.ts";
import type { Weights } from "../models/weights.ts";
import { TextStream } from "../prompt/text-stream.ts";
import type { Tokenizer } from "../prompt/tokenizer.ts";
import type { Completion, Ending, ImageInput, Prompt } from "../records.ts";
import { cat, indexSelect, ints, toDevice } from "../torch/ops.ts";
import { noGrad, type Tensor, tidy } from "../torch/tensor.ts";
import { type Random, stream } from "../util/random.ts";
import { choose } from "./choose-token.ts";
import type { SampleOptions } from "./engine.ts";
import { maskedLogits, tokenLogprobs } from "./logprobs.ts";
import { cacheBytesPerToken, PREFILL_TOKENS } from "./memory.ts";
import { byBudget, pack } from "./packing.ts";
import { promptShare, shareDone } from "./sampling-progress.ts";

export interface SamplerContext {
  readonly model: Model;
  /** In the compute type, alive for the whole call. */
  readonly weights: Weights;
  readonly mask_V: Tensor;
  readonly tokenizer: Tokenizer;
  /** Tokens that end a completion. */
  readonly endIds: readonly number[];
  readonly features: (images: readonly ImageInput[]) => Tensor | undefined;
  /** Bytes that keys and values of one batch may take. */
  readonly cacheBytes: number;
}

/** A batch is compacted when this share of its rows has finished; copying the cache at every ending would cost more. */
const COMPACT_AT = 1 / 8;

/** n completions of every prompt, in order. @throws AbortError when the signal fires. */
export async function sample(
  context: SamplerContext,
  prompts: readonly Prompt[],
  options: SampleOptions,
): Promise<Completion[][]> {
  const bytesPerToken = cacheBytesPerToken(context.model, context.weights.dtype, context.mask_V.device);
  const size = (index: number) => options.n * (prompts[index]!.ids.length + options.maxTokens) * bytesPerToken;
  const out = new Array<Completion[]>(prompts.length);
  let done = 0;
  // Prompts of one length side by side are prefilled as one, and those of about one length waste the least room.
  const byLength = [...prompts.keys()].sort((a, b) => prompts[a]!.ids.length - prompts[b]!.ids.length);
  for (const batch of byBudget(byLength, size, context.cacheBytes)) {
    const rows = batch.flatMap((index) =>
      Array.from({ length: options.n }, (_, k) => new Sequence(prompts[index]!, context, options, index, k)),
    );
    await runBatch(
      context,
      batch.map((index) => prompts[index]!),
      rows,
      options,
      options.onProgress && ((share) => options.onProgress!(done + share)),
    );
    for (const [i, index] of batch.entries())
      out[index] = rows.slice(i * options.n, (i + 1) * options.n).map((row) => row.completion());
    done += rows.length;
  }
  return out;
}

/** One completion under way. */
class Sequence {
  readonly random: Random;
  readonly #ids: number[] = [];
  readonly #logprobs: number[] = [];
  readonly #stream: TextStream;
  readonly #context: SamplerContext;
  readonly #options: SampleOptions;
  readonly #firstPosition: number;
  /** Tokens of its prompt. */
  readonly #prompt: number;
  /** The position rows of its prompt; new tokens advance all of them together. */
  readonly axes: Positions["rows"];
  #text = "";
  ending: Ending | undefined;

  constructor(prompt: Prompt, context: SamplerContext, options: SampleOptions, index: number, k: number) {
    this.#context = context;
    this.#options = options;
    this.#stream = new TextStream(context.tokenizer);
    const { rows, next } = context.model.positions(prompt.ids, prompt.images);
    this.axes = rows;
    this.#firstPosition = next;
    this.#prompt = prompt.ids.length;
    const { seed } = options;
    this.random = typeof seed === "number" ? stream(seed, "sample", index, k) : stream(seed[index]!, "sample", k);
  }

  push(id: number, logprob: number): void {
    if (this.ending) return;
    this.#ids.push(id);
    this.#logprobs.push(logprob);
    const before = this.#text.length;
    this.#text += this.#stream.push(id);
    // A token may carry a stop text and more: `>` and a line break are often one.
    const stops = (stop: string) => this.#text.includes(stop, before - stop.length + 1);
    if (this.#context.endIds.includes(id)) this.ending = "stop";
    else if (this.#options.stop?.some(stops)) this.ending = "stop";
    else if (this.#ids.length === this.#options.maxTokens) this.ending = "length";
  }

  /** The part of it that is done, once its prompt has gone through the model. */
  get share(): number {
    const { n, maxTokens } = this.#options;
    const written = this.#ids.length;
    return shareDone({ promptTokens: this.#prompt, sharing: n, written, ended: this.ending !== undefined }, maxTokens);
  }

  /** The newest token, and its position on every axis. */
  get last(): { id: number; position: number } {
    return { id: this.#ids.at(-1)!, position: this.#firstPosition + this.#ids.length - 1 };
  }

  completion(): Completion {
    return {
      ids: this.#ids,
      logprobs: this.#logprobs,
      text: this.#text + this.#stream.end(),
      ending: this.ending ?? "abort",
    };
  }
}

async function runBatch(
  context: SamplerContext,
  prompts: readonly Prompt[],
  sequences: readonly Sequence[],
  options: SampleOptions,
  onProgress: ((done: number) => void) | undefined,
): Promise<void> {
  const { model, weights, mask_V } = context;
  const choice = { temperature: options.temperature, topP: options.topP ?? 1, topK: options.topK ?? 0 };
  const lengths = prompts.map((prompt) => prompt.ids.length);
  const cache = new KVCache(
    model.shape,
    lengths,
    options.maxTokens,
    attentionType(weights.dtype, mask_V.device),
    mask_V.device,
  );
  let rows = sequences;
  // Logits [rows, V] that predict every row's next token; kept across the steps.
  let logits = noGrad(() => tidy(() => prefill(context, prompts, cache, options, onProgress)));
  try {
    for (let step = 1; ; step++) {
      const uniforms = rows.map((row) => (row.ending ? 1 : 1 - row.random.float()));
      const [ids, logprobs] = noGrad(() =>
        tidy(() => {
          const chosen = choose(logits, choice, uniforms);
          return [chosen, tokenLogprobs(logits, chosen).toFloats()] as const;
        }),
      );
      logits.dispose();
      for (const [i, row] of rows.entries()) row.push(ids[i]!, logprobs[i]!);
      const alive = rows.flatMap((row, i) => (row.ending ? [] : [i]));
      onProgress?.(sequences.reduce((done, { share }) => done + share, 0));
      if (alive.length === 0) return;
      if (alive.length <= rows.length * (1 - COMPACT_AT)) {
        cache.select(alive);
        rows = alive.map((i) => rows[i]!);
      }
      // Signals and timers get their turn; one step is short.
      if (step % 8 === 0) await new Promise(setImmediate);
      options.signal?.throwIfAborted();
      cache.advance();
      logits = noGrad(() => tidy(() => decode(context, rows, cache)));
    }
  } finally {
    logits.dispose();
    cache.dispose();
  }
}

/**
 * Runs the prompts through the model once, some at a time, fills the cache, and repeats it for n completions each. Logits
 * [prompts * n, V].
 */
function prefill(
  context: SamplerContext,
  prompts: readonly Prompt[],
  cache: KVCache,
  { n, maxTokens }: SampleOptions,
  onProgress: ((done: number) => void) | undefined,
): Tensor {
  const { model, weights, mask_V, features } = context;
  let first = 0;
  let done = 0;
  const logits = byBudget(prompts, ({ ids }) => ids.length, PREFILL_TOKENS).map((chunk) =>
    tidy(() => {
      const { pack: packed } = pack(
        model,
        chunk.map((prompt) => ({ prompt, branches: [] })),
      );
      const features_MD = features(packed.images);
      const input = { ...packed, ...(features_MD && { features_MD }) };
      const hidden = forward(model, weights, input, new PackAttention(packed.trees, { cache, first }));
      first += chunk.length;
      done += chunk.reduce((sum, { ids }) => sum + n * promptShare(ids.length, n, maxTokens), 0);
      onProgress?.(done);
      let end = 0;
      const lasts = chunk.map(({ ids }) => {
        end += ids.length;
        return end - 1;
      });
      return maskedLogits(model, weights, indexSelect(hidden, 0, toDevice(ints(lasts), mask_V.device)), mask_V);
    }),
  );
  const rows = prompts.flatMap((_, i) => new Array<number>(n).fill(i));
  cache.select(rows);
  return indexSelect(cat(logits, 0), 0, toDevice(ints(rows), mask_V.device));
}

function decode({ model, weights, mask_V }: SamplerContext, rows: readonly Sequence[], cache: KVCache): Tensor {
  const ids = rows.map((row) => row.last.id);
  const position = rows.map((row) => row.last.position);
  const hidden = forward(
    model,
    weights,
    { ids, positions: rows[0]!.axes.map(() => position) },
    new CacheAttention(cache),
  );
  return maskedLogits(model, weights, hidden, mask_V);
}
