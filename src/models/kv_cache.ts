/**
 * @file Keys and values of sequences under way. Prompts are right-aligned, so that all sequences write their next token
 * into the same column; the columns left of a shorter prompt are masked.
 */
import {
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

export class KVCache {
  /** Per layer [B, K, columns, E]. */
  #keys: Tensor[];
  #values: Tensor[];
  /** [B, 1, 1, columns]: 0 from each sequence's first prompt column on, -inf before it. */
  #mask: Tensor;
  readonly #starts: readonly number[];
  #used: number;

  /** Room for prompts of the given lengths and `newTokens` more each. Lives until `dispose()`. */
  constructor(shape: ModelShape, promptLengths: readonly number[], newTokens: number, dtype: DType, device: string) {
    this.#used = Math.max(...promptLengths);
    const columns = this.#used + newTokens;
    this.#starts = promptLengths.map((length) => this.#used - length);
    const size = [promptLengths.length, shape.kvHeads, columns, shape.headWidth];
    const make = () => Array.from({ length: shape.layers }, () => keep(zeros(size, dtype, device)));
    this.#keys = make();
    this.#values = make();
    const visible = new Uint8Array(promptLengths.length * columns);
    for (const [b, start] of this.#starts.entries()) visible.fill(1, b * columns + start, (b + 1) * columns);
    this.#mask = keep(tidy(() => additive(visible, [promptLengths.length, 1, 1, columns], dtype, device)));
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
    tidy(() => {
      const index = toDevice(ints(rows), this.#mask.device);
      const pick = (tensor: Tensor) => {
        const picked = keep(indexSelect(tensor, 0, index));
        tensor.dispose();
        return picked;
      };
      this.#keys = this.#keys.map(pick);
      this.#values = this.#values.map(pick);
      this.#mask = pick(this.#mask);
    });
  }

  dispose(): void {
    for (const tensor of [...this.#keys, ...this.#values, this.#mask]) tensor.dispose();
  }
}
