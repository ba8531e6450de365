/**
 * @file Keys and values of sequences under way. Prompts are right-aligned, so that all sequences write their next token
 * into the same column; the columns left of a shorter prompt are masked. Columns are made some at a time: most completions
 * end long before the last one allowed, and what is never written is neither cleared nor moved.
 */
import {
  cat,
  copy_,
  indexSelect,
  ints,
  narrow,
  reshape,
  split,
  toDevice,
  transpose,
  unsqueeze,
  zeros,
} from "../torch/ops.ts";
import { type DType, keep, type Tensor, tidy } from "../torch/tensor.ts";
import { additive } from "./masks.ts";
import type { ModelShape } from "./model.ts";
import { runsOf } from "./runs.ts";

/** Columns that are made at a time. */
const BLOCK = 64;

export class KVCache {
  /** Per layer [B, K, columns, E]. */
  readonly #keys: Tensor[];
  readonly #values: Tensor[];
  /** [B, 1, 1, most columns]: 0 from each sequence's first prompt column on, -inf before it. */
  #mask: Tensor;
  readonly #starts: readonly number[];
  /** Columns written, made and allowed. */
  #used: number;
  #columns: number;
  readonly #most: number;

  /** Room for prompts of the given lengths and `newTokens` more each. Lives until `dispose()`. */
  constructor(shape: ModelShape, promptLengths: readonly number[], newTokens: number, dtype: DType, device: string) {
    this.#used = Math.max(...promptLengths);
    this.#most = this.#used + newTokens;
    this.#columns = this.#wider();
    this.#starts = promptLengths.map((length) => this.#used - length);
    const size = [promptLengths.length, shape.kvHeads, this.#columns, shape.headWidth];
    const make = () => Array.from({ length: shape.layers }, () => keep(zeros(size, dtype, device)));
    this.#keys = make();
    this.#values = make();
    const visible = new Uint8Array(promptLengths.length * this.#most);
    for (const [b, start] of this.#starts.entries()) visible.fill(1, b * this.#most + start, (b + 1) * this.#most);
    this.#mask = keep(tidy(() => additive(visible, [promptLengths.length, 1, 1, this.#most], dtype, device)));
  }

  /** Stores the keys and values of one layer of some prompts, from the `first` on, given end to end: k_TKE, v_TKE. */
  prefill(layer: number, first: number, lengths: readonly number[], k_TKE: Tensor, v_TKE: Tensor): void {
    const runs = runsOf(lengths);
    const sizes = runs.map(({ count, length }) => count * length);
    const store = (cache: Tensor, packed: Tensor) => {
      const [K, E] = [packed.size(1), packed.size(2)];
      let b = first;
      for (const [i, part] of split(packed, sizes, 0).entries()) {
        const { count, length } = runs[i]!;
        const room = narrow(narrow(cache, 0, b, count), 2, this.#starts[b]!, length);
        copy_(room, transpose(reshape(part, [count, length, K, E]), 1, 2));
        b += count;
      }
    };
    tidy(() => {
      store(this.#keys[layer]!, k_TKE);
      store(this.#values[layer]!, v_TKE);
    });
  }

  /** Opens the column of the next token; every layer then appends into it. */
  advance(): void {
    if (this.#used === this.#columns) this.#move((written) => written);
    this.#used++;
  }

  /** Writes the newest token's k_BKE, v_BKE; gives back the columns in use, k and v [B, K, used, E], and their mask. */
  append(layer: number, k_BKE: Tensor, v_BKE: Tensor): { k: Tensor; v: Tensor; mask: Tensor } {
    const extend = (cache: Tensor, fresh: Tensor) => {
      copy_(narrow(cache, 2, this.#used - 1, 1), unsqueeze(fresh, 2));
      return narrow(cache, 2, 0, this.#used);
    };
    return {
      k: extend(this.#keys[layer]!, k_BKE),
      v: extend(this.#values[layer]!, v_BKE),
      mask: narrow(this.#mask, 3, 0, this.#used),
    };
  }

  /** Keeps the given sequences, in the given order; one may be named several times (n completions of a prompt). */
  select(rows: readonly number[]): void {
    if (rows.length === this.#mask.size(0) && rows.every((row, i) => row === i)) return;
    using index = tidy(() => toDevice(ints(rows), this.#mask.device));
    const mask = keep(indexSelect(this.#mask, 0, index));
    this.#mask.dispose();
    this.#mask = mask;
    this.#move((written) => indexSelect(written, 0, index));
  }

  /** Copies what `pick` takes of the written columns [B, K, used, E], with room for the next ones. */
  #move(pick: (written: Tensor) => Tensor): void {
    this.#columns = this.#wider();
    const moved = (tensor: Tensor) => {
      const copy = keep(
        tidy(() => {
          const picked = pick(narrow(tensor, 2, 0, this.#used));
          const [B, K, , E] = picked.shape as [number, number, number, number];
          return cat([picked, zeros([B, K, this.#columns - this.#used, E], tensor.dtype, tensor.device)], 2);
        }),
      );
      tensor.dispose();
      return copy;
    };
    // One after another: at no time are there two copies of more than one layer.
    for (const layers of [this.#keys, this.#values])
      for (const [layer, tensor] of layers.entries()) layers[layer] = moved(tensor);
  }

  /** How many columns to make, with `used` written. */
  #wider(): number {
    return Math.min(this.#used + BLOCK, this.#most);
  }

  dispose(): void {
    for (const tensor of [...this.#keys, ...this.#values, this.#mask]) tensor.dispose();
  }
}
