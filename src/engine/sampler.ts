/**
 * @file Sampling: prompts are prefilled once for all their completions, then every sequence writes one token a step.
 * Finished sequences leave the batch.
 */

import type { Model } from "../models/model.ts";
import type { Weights } from "../models/weights.ts";
import { TextStream } from "../prompt/text-stream.ts";
import type { Tokenizer } from "../prompt/tokenizer.ts";
import type { Completion, Ending, ImageInput, Prompt } from "../records.ts";
import { cat } from "../torch/ops.ts";
import { noGrad, type Tensor, tidy } from "../torch/tensor.ts";
import type { Cancellable, Cancellation } from "../util/interruptible.ts";
import { type Random, stream } from "../util/random.ts";
import { Decoder } from "./decoder.ts";
import type { Sampling, SamplingListener } from "./engine.ts";
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

type Options = Sampling & SamplingListener & Cancellable<Cancellation>;

/** A batch is compacted when this share of its rows has finished; copying the cache at every ending would cost more. */
const COMPACT_AT = 1 / 8;

/** n completions of every prompt, in order. @throws what the signal throws, asked before each pack and each token */
export function sample(context: SamplerContext, prompts: readonly Prompt[], options: Options): Completion[][] {
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
    runBatch(
      context,
      batch.map((index) => prompts[index]!),
      rows,
      options,
      options.onProgress && ((share) => options.onProgress!(done + share)),
      (i) => {
        const index = batch[i]!;
        out[index] = rows.slice(i * options.n, (i + 1) * options.n).map((row) => row.completion());
        options.onGroup?.(index, out[index]);
      },
    );
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
  readonly #options: Options;
  /** Tokens of its prompt. */
  readonly #prompt: number;
  #text = "";
  ending: Ending | undefined;

  constructor(prompt: Prompt, context: SamplerContext, options: Options, index: number, k: number) {
    this.#context = context;
    this.#options = options;
    this.#stream = new TextStream(context.tokenizer);
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

  completion(): Completion {
    return {
      ids: this.#ids,
      logprobs: this.#logprobs,
      text: this.#text + this.#stream.end(),
      ending: this.ending ?? "abort",
    };
  }
}

/** Samples to the end of all sequences, n a prompt. `onGroup` hears of each prompt when the last of its sequences has ended. */
function runBatch(
  context: SamplerContext,
  prompts: readonly Prompt[],
  sequences: readonly Sequence[],
  options: Options,
  onProgress: ((done: number) => void) | undefined,
  onGroup: (prompt: number) => void,
): void {
  const choice = { temperature: options.temperature, topP: options.topP ?? 1, topK: options.topK ?? 0 };
  const positions = prompts.map(({ ids, images }) => context.model.positions(ids, images));
  const decoder = new Decoder({ ...context, choice }, positions, options.maxTokens);
  try {
    prefill(context, decoder, prompts, options, onProgress);
    let rows = sequences;
    const open = new Map(prompts.map((_, i) => [i, sequences.slice(i * options.n, (i + 1) * options.n)]));
    for (;;) {
      const { ids, logprobs } = decoder.next(rows.map((row) => (row.ending ? 1 : 1 - row.random.float())));
      for (const [i, row] of rows.entries()) row.push(ids[i]!, logprobs[i]!);
      for (const [prompt, group] of open) {
        if (!group.every(({ ending }) => ending)) continue;
        open.delete(prompt);
        onGroup(prompt);
      }
      const alive = rows.flatMap((row, i) => (row.ending ? [] : [i]));
      onProgress?.(sequences.reduce((done, { share }) => done + share, 0));
      if (alive.length === 0) return;
      if (alive.length <= rows.length * (1 - COMPACT_AT)) {
        decoder.select(alive);
        rows = alive.map((i) => rows[i]!);
      }
      options.signal?.throwIfAborted();
    }
  } finally {
    decoder.dispose();
  }
}

/** Runs the prompts through the model once, some at a time, and begins n completions of each. */
function prefill(
  { model, features }: SamplerContext,
  decoder: Decoder,
  prompts: readonly Prompt[],
  { n, maxTokens, signal }: Options,
  onProgress: ((done: number) => void) | undefined,
): void {
  let first = 0;
  let done = 0;
  const logits = noGrad(() =>
    tidy(() =>
      cat(
        byBudget(prompts, ({ ids }) => ids.length, PREFILL_TOKENS).map((chunk) =>
          tidy(() => {
            signal?.throwIfAborted();
            const bundles = chunk.map((prompt) => ({ prompt, branches: [] }));
            const { pack: packed } = pack(model, bundles);
            const logits_BV = decoder.prefill(packed, features(packed.images), first);
            first += chunk.length;
            done += chunk.reduce((sum, { ids }) => sum + n * promptShare(ids.length, n, maxTokens), 0);
            onProgress?.(done);
            return logits_BV;
          }),
        ),
        0,
      ),
    ),
  );
  decoder.begin(
    prompts.flatMap((_, i) => new Array<number>(n).fill(i)),
    logits,
  );
}
