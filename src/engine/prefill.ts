/** @file Prefill: prompts go through the model once, some at a time and long ones in pieces, into a decoder that then writes after them. */
import type { Model, Pack } from "../models/model.ts";
import type { Weights } from "../models/weights.ts";
import type { ImageInput, Prompt } from "../records.ts";
import { cat, narrow } from "../torch/ops.ts";
import { disposeAll, keep, noGrad, type Tensor, tidy } from "../torch/tensor.ts";
import { byBudget } from "../util/arrays.ts";
import type { Cancellable, Cancellation } from "../util/interruptible.ts";
import { Decoder } from "./decoder.ts";
import { imageKey } from "./features.ts";
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
  const prefill = new Prefill(context, prompts, newTokens);
  try {
    do signal?.throwIfAborted();
    while (!prefill.read(PREFILL_TOKENS, onRead));
    return prefill.end(rows);
  } catch (error) {
    prefill.dispose();
    throw error;
  }
}

/** Prompts that are being read. */
export class Prefill {
  readonly #context: PrefillContext;
  readonly #prompts: readonly Prompt[];
  readonly #decoder: Decoder;
  /** Images that `see` has not seen, by their keys. */
  readonly #unseen: Map<string, ImageInput>;
  /** Of the prompts that are read: what predicts the token after each, [prompts, V]. */
  readonly #logits: Tensor[] = [];
  /** The next prompt, and how many of its tokens are read. */
  #next = 0;
  #before = 0;

  /** With room for `newTokens` after each prompt. */
  constructor(context: PrefillContext, prompts: readonly Prompt[], newTokens: number) {
    this.#context = context;
    this.#prompts = prompts;
    this.#unseen = new Map(prompts.flatMap(({ images }) => images.map((image) => [imageKey(image), image])));
    const positions = prompts.map(({ ids, images }) => context.model.positions(ids, images));
    this.#decoder = new Decoder(context, positions, newTokens);
  }

  /** Has the tower look at the next image ahead of `read`, which else has it look at all of a prompt's. Gives whether there was one. */
  see(): boolean {
    const [next] = this.#unseen;
    if (!next) return false;
    this.#unseen.delete(next[0]);
    tidy(() => void this.#context.features([next[1]]));
    return true;
  }

  /**
   * Reads the next prompts, as many as come to at most so many tokens, or the next piece of a prompt that is longer. Gives whether all
   * are read.
   */
  read(most: number, onRead?: PrefillOptions["onRead"]): boolean {
    const { model, features } = this.#context;
    const left = this.#prompts.slice(this.#next);
    const together = this.#before > 0 ? [left[0]!] : byBudget(left, ({ ids }) => ids.length, most)[0]!;
    const { pack: whole } = pack(
      model,
      together.map((prompt) => ({ prompt, branches: [] })),
    );
    const [before, end] = [this.#before, Math.min(whole.ids.length, this.#before + most)];
    const logits_BV = noGrad(() =>
      tidy(() => {
        const features_MD = features(whole.images);
        if (end - before === whole.ids.length) return this.#decoder.prefill(whole, features_MD, this.#next);
        const piece = pieceOf(whole, before, end);
        const imageTokens = (ids: readonly number[]) => ids.filter((id) => id === model.imageTokenId).length;
        const [passed, seen] = [imageTokens(whole.ids.slice(0, before)), imageTokens(piece.ids)];
        const own_MD = features_MD && seen > 0 ? narrow(features_MD, 0, passed, seen) : undefined;
        return this.#decoder.prefill(piece, own_MD, this.#next, before);
      }),
    );
    this.#before = end;
    if (end < whole.ids.length) {
      logits_BV.dispose();
      return false;
    }
    this.#logits.push(keep(logits_BV));
    this.#before = 0;
    this.#next += together.length;
    onRead?.(together);
    return this.#next === this.#prompts.length;
  }

  /** A decoder that writes after the prompts, which are read: `rows` names the prompt of each sequence. */
  end(rows: readonly number[]): Decoder {
    const logits = noGrad(() => cat(this.#logits, 0));
    disposeAll(this.#logits);
    this.#decoder.begin(rows, keep(logits));
    return this.#decoder;
  }

  /** Ends without a decoder. */
  dispose(): void {
    disposeAll(this.#logits);
    this.#decoder.dispose();
  }
}

/** Some tokens of a pack of one prompt. */
function pieceOf({ ids, positions }: Pack, from: number, to: number): Pack {
  return {
    ids: ids.slice(from, to),
    positions: positions.map((row) => row.slice(from, to)),
    trees: [{ root: to - from, branches: [] }],
    images: [],
  };
}
