/**
 * @file Sampling: prompts are prefilled once for all their completions, then every sequence writes one token a step.
 * Finished sequences leave the batch.
 */

import type { Tokenizer } from "../prompt/tokenizer.ts";
import type { Completion, Prompt } from "../records.ts";
import { byBudget } from "../util/arrays.ts";
import type { Cancellable, Cancellation } from "../util/interruptible.ts";
import { stream } from "../util/random.ts";
import type { Sampling, SamplingListener } from "./engine.ts";
import { cacheBytesPerToken } from "./memory.ts";
import { beginDecoding, type PrefillContext } from "./prefill.ts";
import { promptShare, shareDone } from "./sampling-progress.ts";
import { Sequence } from "./sequence.ts";

export interface SamplerContext extends PrefillContext {
  readonly tokenizer: Tokenizer;
  /** Tokens that end a completion. */
  readonly endIds: readonly number[];
  /** Bytes that keys and values of one batch may take. */
  readonly cacheBytes: number;
}

type Options = Sampling & SamplingListener & Cancellable<Cancellation>;

/** A batch is compacted when this share of its rows has finished; copying the cache at every ending would cost more. */
export const COMPACT_AT = 1 / 8;

/** On a GPU, whose time hardly goes with the rows and which has to record its turn anew, where none are to join: this share. */
const COMPACT_AT_ON_GPU = 1 / 2;

/** n completions of every prompt, in order. @throws what the signal throws, asked before each pack and each token */
export function sample(context: SamplerContext, prompts: readonly Prompt[], options: Options): Completion[][] {
  const bytesPerToken = cacheBytesPerToken(context.model, context.weights.dtype, context.mask_V.device);
  const size = (index: number) => options.n * (prompts[index]!.ids.length + options.maxTokens) * bytesPerToken;
  const out = new Array<Completion[]>(prompts.length);
  const endings = { ...options, endIds: context.endIds };
  const { seed, places } = options;
  const randomOf = (index: number, k: number) =>
    typeof seed === "number" ? stream(seed, "sample", places?.[index] ?? index, k) : stream(seed[index]!, "sample", k);
  let done = 0;
  // Prompts of one length side by side are prefilled as one, and those of about one length waste the least room.
  const byLength = [...prompts.keys()].sort((a, b) => prompts[a]!.ids.length - prompts[b]!.ids.length);
  for (const batch of byBudget(byLength, size, context.cacheBytes)) {
    const rows = batch.flatMap((index) =>
      Array.from({ length: options.n }, (_, k) => new Sequence(context.tokenizer, randomOf(index, k), endings)),
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

/** Samples to the end of all sequences, n a prompt. `onGroup` hears of each prompt when the last of its sequences has ended. */
function runBatch(
  context: SamplerContext,
  prompts: readonly Prompt[],
  sequences: readonly Sequence[],
  options: Options,
  onProgress: ((done: number) => void) | undefined,
  onGroup: (prompt: number) => void,
): void {
  const { n, maxTokens, signal } = options;
  const choice = { temperature: options.temperature, topP: options.topP ?? 1, topK: options.topK ?? 0 };
  const isProcessor = context.mask_V.device === "cpu";
  // A GPU writes the next tokens while these are read and become text.
  const turnsAhead = isProcessor ? 0 : 1;
  const compactAt = isProcessor ? COMPACT_AT : COMPACT_AT_ON_GPU;
  let read = 0;
  const places = prompts.flatMap((_, i) => new Array<number>(n).fill(i));
  const decoder = beginDecoding(context, prompts, places, maxTokens, {
    signal,
    onRead: (together) => {
      read += together.reduce((sum, { ids }) => sum + n * promptShare(ids.length, n, maxTokens), 0);
      onProgress?.(read);
    },
  });
  const shareOf = ({ length, ending }: Sequence, i: number) => {
    const promptTokens = prompts[Math.floor(i / n)]!.ids.length;
    return shareDone({ promptTokens, sharing: n, written: length, ended: ending !== undefined }, maxTokens);
  };
  try {
    let rows = sequences;
    // Of the turns that are written and not yet read. A row that ends in one has written another in vain.
    const written: (readonly Sequence[])[] = [];
    let turns = 0;
    const open = new Map(prompts.map((_, i) => [i, sequences.slice(i * n, (i + 1) * n)]));
    for (;;) {
      for (; written.length <= turnsAhead && turns < maxTokens; turns++) {
        decoder.write(
          rows.map(() => choice),
          rows.map((row) => row.draw()),
        );
        written.push(rows);
      }
      const { ids, logprobs } = decoder.read();
      for (const [i, row] of written.shift()!.entries()) row.push(ids[i]!, logprobs[i]!);
      for (const [prompt, group] of open) {
        if (!group.every(({ ending }) => ending)) continue;
        open.delete(prompt);
        onGroup(prompt);
      }
      const alive = rows.flatMap((row, i) => (row.ending ? [] : [i]));
      onProgress?.(sequences.reduce((done, sequence, i) => done + shareOf(sequence, i), 0));
      if (alive.length === 0) return;
      if (alive.length <= rows.length * (1 - compactAt)) {
        decoder.select(alive);
        rows = alive.map((i) => rows[i]!);
      }
      signal?.throwIfAborted();
    }
  } finally {
    decoder.dispose();
  }
}
