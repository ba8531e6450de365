/**
 * @file Decoding: sequences that each write one token a turn. Ids, places and keys stay on the device, where they stand still
 * between two blocks of the cache, so that a turn can be repeated as it was recorded. It sends one number a row there, which decides
 * the token, and reads back the tokens and their log-probabilities. Sequences leave, and those of another decoder join, between turns.
 */
import { attentionType, CacheAttention } from "../models/attention.ts";
import { forward, throughLayers } from "../models/forward.ts";
import { KVCache } from "../models/kv-cache.ts";
import type { Model, Pack, Positions, Rotation } from "../models/model.ts";
import { attentionOf } from "../models/varlen-attention.ts";
import type { Weights } from "../models/weights.ts";
import {
  add_,
  cast,
  cat,
  clamp,
  copy_,
  floats,
  indexSelect,
  ints,
  logSoftmax,
  reshape,
  toDevice,
  topk,
  upload_,
  zeros,
} from "../torch/ops.ts";
import { PendingRead } from "../torch/pending-read.ts";
import { Repeated } from "../torch/repeated.ts";
import { keep, noGrad, type Tensor, tidy } from "../torch/tensor.ts";
import { type Choice, Chooser } from "./choose-token.ts";
import { maskedLogits, tokenLogprobs } from "./logprobs.ts";

export interface DecoderContext {
  readonly model: Model;
  /** In the compute type, alive as long as the decoder. */
  readonly weights: Weights;
  readonly mask_V: Tensor;
}

/** One token of every row. */
export interface Turn {
  readonly ids: readonly number[];
  /** At temperature 1, whatever the choice. */
  readonly logprobs: readonly number[];
  /** The likeliest tokens of every row, the best first, as many as were asked for. */
  readonly alternatives: readonly (readonly Alternative[])[];
}

/** A token that could have been chosen. */
export interface Alternative {
  readonly id: number;
  readonly logprob: number;
}

export class Decoder {
  readonly #context: DecoderContext;
  readonly #cache: KVCache;
  readonly #attention: CacheAttention;
  /** The rotations of all positions that may come, [positions, E]. */
  #turns: Rotation;
  /** The position of each row's next token, [B] int64. */
  #position_B: Tensor;
  /** Predicts the next token where no token was written since: [B, V]. */
  #logits_BV: Tensor | undefined;
  /** The newest tokens, [B] int64. */
  #ids_B: Tensor;
  /** The numbers that decide the next ones, [B, 1]. */
  #uniforms_B1: Tensor;
  #chooser: Chooser | undefined;
  /** Of how many likely tokens a turn tells. */
  #alternatives = 0;
  /** A turn's work on the device, which gives what is read back. */
  readonly #turn: Repeated;
  /** Turns that are written and not yet read, the oldest first. */
  readonly #written: { readonly told: PendingRead; readonly rows: number; readonly alternatives: number }[] = [];

  /**
   * Rows for prompts of such positions, which `prefill` then reads, and `newTokens` more each. Lives until `dispose()`.
   */
  constructor(context: DecoderContext, prompts: readonly Positions[], newTokens: number) {
    const { model, weights, mask_V } = context;
    const { device } = mask_V;
    this.#context = context;
    const lengths = prompts.map(({ rows }) => rows[0]!.length);
    this.#cache = new KVCache(model.shape, lengths, newTokens, attentionType(weights.dtype, device), device);
    this.#attention = new CacheAttention(this.#cache);
    const starts = prompts.map(({ next }) => next);
    // The last token that is written is not read again.
    const count = Math.max(1, Math.max(...starts) + newTokens - 1);
    const positions = Array.from({ length: count }, (_, i) => i);
    const axes = prompts[0]!.rows.map(() => positions);
    this.#turns = keep(noGrad(() => tidy(() => model.rotation(weights, axes))));
    this.#position_B = keep(tidy(() => toDevice(ints(starts), device)));
    [this.#ids_B, this.#uniforms_B1] = roomFor(prompts.length, device);
    this.#turn = new Repeated(device, () => this.#choose(this.#decode()));
  }

  /**
   * Reads a pack of prompts without branches, rows from the `first` on, and gives the logits [prompts, V] of what follows
   * each. The caller joins those of all packs into `begin`. A pack may be a piece of one prompt, after `before` tokens of it.
   */
  prefill(packed: Pack, features_MD: Tensor | undefined, first: number, before = 0): Tensor {
    const { model, weights, mask_V } = this.#context;
    const input = { ...packed, ...(features_MD && { features_MD }) };
    const store = { cache: this.#cache, first, before };
    const attention = attentionOf(packed.trees, model.shape, weights.dtype, mask_V.device, store);
    const hidden_TD = forward(model, weights, input, attention);
    let end = 0;
    const lasts = packed.trees.map(({ root }) => {
      end += root;
      return end - 1;
    });
    return maskedLogits(model, weights, indexSelect(hidden_TD, 0, toDevice(ints(lasts), mask_V.device)), mask_V);
  }

  /** After all prompts are read: `rows` names the prompt of each sequence; `logits` are those of the prompts [prompts, V]. */
  begin(rows: readonly number[], logits: Tensor): void {
    this.#logits_BV = logits;
    this.select(rows);
  }

  /** The next token of every row, chosen in its way by one number of (0, 1]. `alternatives`: how many to tell of for each. */
  next(choices: readonly Choice[], uniforms: readonly number[], alternatives = 0): Turn {
    this.write(choices, uniforms, alternatives);
    return this.read();
  }

  /** The first half of `next`: asks for the tokens. A GPU may be asked for the next ones before these are read. */
  write(choices: readonly Choice[], uniforms: readonly number[], alternatives = 0): void {
    noGrad(() =>
      tidy(() => {
        const chooser = this.#prepare(choices, alternatives);
        if (chooser.draws) upload_(this.#uniforms_B1, floats(uniforms, [uniforms.length, 1]));
        this.#written.push({ told: new PendingRead(this.#write()), rows: uniforms.length, alternatives });
      }),
    );
  }

  /** The second half: waits for the tokens that were asked for first, of the rows that there were then. */
  read(): Turn {
    const { told: pending, rows: B, alternatives: A } = this.#written.shift()!;
    const told = pending.floats();
    const part = (start: number, row: number, size: number) =>
      Array.from(told.subarray(start + row * size, start + (row + 1) * size));
    return {
      ids: part(0, 0, B),
      logprobs: part(B, 0, B),
      alternatives: Array.from({ length: B }, (_, row) => {
        const logprobs = part(2 * B + B * A, row, A);
        return part(2 * B, row, A).map((id, a) => ({ id, logprob: logprobs[a]! }));
      }),
    };
  }

  /** Keeps the given rows, in the given order; one may be named several times. */
  select(rows: readonly number[]): void {
    noGrad(() =>
      tidy(() => {
        const index = toDevice(ints(rows), this.#context.mask_V.device);
        const picked = (tensor: Tensor) => {
          const chosen = keep(indexSelect(tensor, 0, index));
          tensor.dispose();
          return chosen;
        };
        this.#turn.moved();
        this.#cache.select(rows);
        this.#position_B = picked(this.#position_B);
        this.#ids_B = picked(this.#ids_B);
        this.#uniforms_B1 = picked(this.#uniforms_B1);
        if (this.#logits_BV) this.#logits_BV = picked(this.#logits_BV);
      }),
    );
  }

  /** Takes over the rows of another decoder, which is disposed, behind its own. Both have written a token. */
  join(other: Decoder): void {
    noGrad(() =>
      tidy(() => {
        const joined = (mine: Tensor, theirs: Tensor) => {
          const both = keep(cat([mine, theirs], 0));
          for (const tensor of [mine, theirs]) tensor.dispose();
          return both;
        };
        this.#turn.moved();
        other.#release();
        this.#cache.join(other.#cache);
        this.#position_B = joined(this.#position_B, other.#position_B);
        this.#ids_B = joined(this.#ids_B, other.#ids_B);
        this.#uniforms_B1 = joined(this.#uniforms_B1, other.#uniforms_B1);
        const [kept, dropped] =
          this.#turns.cos.size(0) < other.#turns.cos.size(0)
            ? [other.#turns, this.#turns]
            : [this.#turns, other.#turns];
        this.#turns = kept;
        for (const tensor of [dropped.cos, dropped.signedSin]) tensor.dispose();
      }),
    );
  }

  dispose(): void {
    for (const { told } of this.#written) told.dispose();
    this.#release();
    this.#logits_BV?.dispose();
    this.#cache.dispose();
    for (const tensor of [this.#ids_B, this.#uniforms_B1, this.#position_B, this.#turns.cos, this.#turns.signedSin])
      tensor.dispose();
  }

  /** Gives up what only this decoder's turns need. */
  #release(): void {
    this.#turn.moved();
    this.#chooser?.dispose();
    this.#chooser = undefined;
  }

  #prepare(choices: readonly Choice[], alternatives: number): Chooser {
    if (this.#chooser?.fits(choices) && alternatives === this.#alternatives) return this.#chooser;
    this.#release();
    this.#alternatives = alternatives;
    this.#chooser = new Chooser(choices, this.#context.mask_V.device);
    return this.#chooser;
  }

  /** Writes the next tokens; what is read back of them. */
  #write(): Tensor {
    if (this.#logits_BV) {
      const told = this.#choose(this.#logits_BV);
      this.#logits_BV.dispose();
      this.#logits_BV = undefined;
      return told;
    }
    // What was recorded holds on to the keys and values of before.
    if (this.#cache.isFull) this.#turn.moved();
    this.#cache.makeRoom();
    return this.#turn.run();
  }

  /** The newest tokens through the model: logits [B, V]. */
  #decode(): Tensor {
    const { model, weights, mask_V } = this.#context;
    this.#cache.advance();
    // A row that is over is written on until it is dropped, and may come to where no row was to come.
    const place_B = clamp(this.#position_B, null, this.#turns.cos.size(0) - 1);
    const turn = {
      cos: indexSelect(this.#turns.cos, 0, place_B),
      signedSin: indexSelect(this.#turns.signedSin, 0, place_B),
    };
    add_(this.#position_B, 1);
    const hidden_BD = throughLayers(model, weights, model.embed(weights, this.#ids_B), turn, this.#attention);
    return maskedLogits(model, weights, hidden_BD, mask_V);
  }

  /** Chooses the next tokens by their logits. All that is told of them, end to end. */
  #choose(logits_BV: Tensor): Tensor {
    const ids_B = this.#chooser!.choose(logits_BV, this.#uniforms_B1);
    copy_(this.#ids_B, ids_B);
    // Float32 holds every id below 2^24 exactly, and so all go back together.
    const parts = [cast(ids_B, "float32"), tokenLogprobs(logits_BV, ids_B)];
    if (this.#alternatives > 0) {
      const [logprobs_BA, ids_BA] = topk(logSoftmax(logits_BV, 1), this.#alternatives, 1);
      parts.push(reshape(cast(ids_BA, "float32"), [-1]), reshape(logprobs_BA, [-1]));
    }
    return cat(parts, 0);
  }
}

/** Ids and the numbers that decide them, for so many rows. */
function roomFor(rows: number, device: string): [ids_B: Tensor, uniforms_B1: Tensor] {
  return [keep(tidy(() => zeros([rows], "int64", device))), keep(tidy(() => zeros([rows, 1], "float32", device)))];
}
