/** @file Prefill: prompts go through the model once, some at a time, into a decoder that then writes after them. */
import type { Model } from "../models/model.ts";
import type { Weights } from "../models/weights.ts";
import type { ImageInput, Prompt } from "../records.ts";
import { cat } from "../torch/ops.ts";
import { noGrad, type Tensor, tidy } from "../torch/tensor.ts";
import { byBudget } from "../util/arrays.ts";
import type { Cancellable, Cancellation } from "../util/interruptible.ts";
import { Decoder } from "./decoder.ts";
import { PREFILL_TOKENS } from "./memory.ts";
import { pack } from "./packing.ts";

export interface PrefillContext {
  readonly model: Model;
  /** In the compute type, alive as long as the decoder. */
  readonly weights: Weights;
  readonly mask_V: Tensor;
  readonly features: (images: readonly ImageInput[]) => Tensor | undefined;
}

export interface PrefillOptions extends Cancellable<Cancellation> {
  /** Hears of prompts that have been read together. */
  readonly onRead?: (prompts: readonly Prompt[]) => void;
}

/**
 * A decoder whose `rows` name the prompt of each, and which has room for `newTokens` each. A prompt that several name is read once.
 * Dispose it. @throws what the signal throws
 */
export function beginDecoding(
  context: PrefillContext,
  prompts: readonly Prompt[],
  rows: readonly number[],
  newTokens: number,
  { signal, onRead }: PrefillOptions = {},
): Decoder {
  const { model, features } = context;
  const positions = prompts.map(({ ids, images }) => model.positions(ids, images));
  const decoder = new Decoder(context, positions, newTokens);
  try {
    let first = 0;
    const read = (chunk: readonly Prompt[]) => {
      signal?.throwIfAborted();
      const bundles = chunk.map((prompt) => ({ prompt, branches: [] }));
      const { pack: packed } = pack(model, bundles);
      const logits_BV = decoder.prefill(packed, features(packed.images), first);
      first += chunk.length;
      onRead?.(chunk);
      return logits_BV;
    };
    const chunks = byBudget(prompts, ({ ids }) => ids.length, PREFILL_TOKENS);
    const logits = noGrad(() =>
      tidy(() =>
        cat(
          chunks.map((chunk) => tidy(() => read(chunk))),
          0,
        ),
      ),
    );
    decoder.begin(rows, logits);
    return decoder;
  } catch (error) {
    decoder.dispose();
    throw error;
  }
}
