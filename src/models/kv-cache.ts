/**
 * @file Keys and values of sequences under way. Prompts are right-aligned, so that all sequences write their next token
 * into the same column; the columns left of a shorter prompt are masked. Columns are made in blocks: most completions end
 * long before the last one allowed, and between two blocks no shape changes. Which column is next stands on the device.
 */
import {
  add_,
  cat,
  copy_,
  full,
  indexCopy_,
  indexFill_,
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
export const BLOCK = 64;

export class KVCache {
  /** Per layer [B, K, columns, E]. */
  readonly #keys: Tensor[];
  readonly #values: Tensor[];
  /** [B, 1, 1, columns]: 0 where a sequence looks, -inf before its prompt and where nothing is written yet. */
  #mask: Tensor;
  /** [1] int64: the column written last. */
  readonly #column: Tensor;
  readonly #starts: readonly number[];
  /** Columns written, made and allowed. */
  #used: number;
  #columns: number;
  readonly #most: number;

  /** Room for prompts of the given lengths and `newTokens` more each. Lives until `dispose()`. */
  constructor(shape: ModelShape, promptLengths: readonly number[], newTokens: number, dtype: DType, device: string) {
    const rows = promptLengths.length;
    this.#used = Math.max(...promptLengths);
    this.#most = this.#used + newTokens;
    this.#columns = this.#wider();
    this.#starts = promptLengths.map((length) => this.#used - length);
    const size = [rows, shape.kvHeads, this.#columns, shape.headWidth];
    const make = () => Array.from({ length: shape.layers }, () => keep(zeros(size, dtype, device)));
    this.#keys = make();
    this.#values = make();
    const visible = new Uint8Array(rows * this.#columns);
    for (const [b, start] of this.#starts.entries())
      visible.fill(1, b * this.#columns + start, b * this.#columns + this.#used);
    this.#mask = keep(tidy(() => additive(visible, [rows, 1, 1, this.#columns], dtype, device)));
    this.#column = keep(tidy(() => toDevice(ints([this.#used - 1]), device)));
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
    add_(this.#column, 1);
    indexFill_(this.#mask, 3, this.#column, 0);
  }

  /** Writes the newest token's k_BKE, v_BKE; gives back all columns, k and v [B, K, columns, E], and their mask. */
  append(layer: number, k_BKE: Tensor, v_BKE: Tensor): { k: Tensor; v: Tensor; mask: Tensor } {
    const [k, v] = [this.#keys[layer]!, this.#values[layer]!];
    indexCopy_(k, 2, this.#column, unsqueeze(k_BKE, 2));
    indexCopy_(v, 2, this.#column, unsqueeze(v_BKE, 2));
    return { k, v, mask: this.#mask };
  }

  /** Keeps the sequences of `index` [rows], in its order; one may be named several times (n completions of a prompt). */
  select(index: Tensor): void {
    this.#move((written) => indexSelect(written, 0, index));
  }

  /** Copies what `pick` takes of the written columns [B, …, used, …], with room for the next ones. */
  #move(pick: (written: Tensor) => Tensor): void {
    this.#columns = this.#wider();
    const moved = (tensor: Tensor, dim: number, value: number) => {
      const copy = keep(
        tidy(() => {
          const picked = pick(narrow(tensor, dim, 0, this.#used));
          const room = picked.shape.with(dim, this.#columns - this.#used);
          return cat([picked, full(room, value, tensor.dtype, tensor.device)], dim);
        }),
      );
      tensor.dispose();
      return copy;
    };
    this.#mask = moved(this.#mask, 3, Number.NEGATIVE_INFINITY);
    // One after another: at no time are there two copies of more than one layer.
    for (const layers of [this.#keys, this.#values])
      for (const [layer, tensor] of layers.entries()) layers[layer] = moved(tensor, 2, 0);
  }

  /** How many columns to make, with `used` written. */
  #wider(): number {
    return Math.min(this.#used + BLOCK, this.#most);
  }

  dispose(): void {
    for (const tensor of [...this.#keys, ...this.#values, this.#mask, this.#column]) tensor.dispose();
  }
}
