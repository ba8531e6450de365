/**
 * @file Keys and values of sequences under way. Prompts are right-aligned, so that all sequences write their next token
 * into the same column; the columns left of a shorter prompt are masked. Columns are made in blocks: most completions end
 * long before the last one allowed, and between two blocks no shape changes. Which column is next stands on the device.
 * Sequences may leave at any time, and those of another cache join.
 */
import {
  add_,
  cast,
  cat,
  copy_,
  hasFlashAttention,
  indexCopy_,
  indexFill_,
  indexSelect,
  ints,
  type Lengths,
  narrow,
  reshape,
  split,
  toDevice,
  transpose,
  unsqueeze,
  zeros,
} from "../torch/ops.ts";
import { type DType, disposeAll, keep, type Tensor, tidy } from "../torch/tensor.ts";
import { additive } from "./masks.ts";
import type { ModelShape } from "./model.ts";
import { runsOf } from "./runs.ts";

/**
 * Columns that are made at a time. A processor computes with those that are not written yet; a GPU has to record its turn anew for more of
 * them.
 */
export function blockOf(device: string): number {
  return device === "cpu" ? 64 : 256;
}

/** A GPU's attention copies a mask whose width is no multiple of this, in every layer. */
const MASK_WIDTH = 16;

/** Which columns a turn sees: by a mask, or as a stretch of each head's, in keys and values laid out as [B·K·columns, 1, E]. */
export type Seen =
  /** [B, 1, 1, columns]: 0 where a sequence looks, -inf before its prompt and where nothing is written yet. */
  | { readonly mask: Tensor }
  /** Where each of the B·K heads has its queries, [B·K·H/K, 1, E], where its stretch begins, and how long that is, [B·K] int32. */
  | { readonly queries: Lengths; readonly keys: Lengths; readonly lengths: Tensor };

export class KVCache {
  /** Per layer [B, K, columns, E]. */
  readonly #keys: Tensor[];
  readonly #values: Tensor[];
  #seen: Seen;
  readonly #shape: ModelShape;
  readonly #dtype: DType;
  readonly #device: string;
  readonly #isFlash: boolean;
  /** [1] int64: the column written last. */
  #column: Tensor;
  /** The first column of each sequence. */
  #starts: readonly number[];
  /** Columns written, made and allowed. */
  #used: number;
  #columns: number;
  #most: number;

  /** Room for prompts of the given lengths and `newTokens` more each. Lives until `dispose()`. */
  constructor(
    shape: ModelShape,
    promptLengths: readonly number[],
    newTokens: number,
    dtype: DType,
    device: string,
    isFlash = hasFlashAttention(device, dtype, shape.headWidth),
  ) {
    this.#shape = shape;
    this.#dtype = dtype;
    this.#device = device;
    this.#isFlash = isFlash;
    const rows = promptLengths.length;
    this.#used = Math.max(...promptLengths);
    this.#most = this.#used + newTokens;
    this.#columns = columnsFor(this.#used, this.#most, device);
    this.#starts = promptLengths.map((length) => this.#used - length);
    const size = [rows, shape.kvHeads, this.#columns, shape.headWidth];
    const make = () => Array.from({ length: shape.layers }, () => keep(zeros(size, dtype, device)));
    this.#keys = make();
    this.#values = make();
    this.#seen = this.#visible();
    this.#column = newest(this.#used, device);
  }

  /**
   * Stores the keys and values of one layer of some prompts, from the `first` on, given end to end: k_TKE, v_TKE. Of a prompt that is
   * stored piece by piece, `from` is the place of the next piece.
   */
  prefill(layer: number, first: number, lengths: readonly number[], k_TKE: Tensor, v_TKE: Tensor, from = 0): void {
    const runs = runsOf(lengths);
    const sizes = runs.map(({ count, length }) => count * length);
    const store = (cache: Tensor, packed: Tensor) => {
      const [K, E] = [packed.size(1), packed.size(2)];
      let b = first;
      for (const [i, part] of split(packed, sizes, 0).entries()) {
        const { count, length } = runs[i]!;
        const room = narrow(narrow(cache, 0, b, count), 2, this.#starts[b]! + from, length);
        copy_(room, transpose(reshape(part, [count, length, K, E]), 1, 2));
        b += count;
      }
    };
    tidy(() => {
      store(this.#keys[layer]!, k_TKE);
      store(this.#values[layer]!, v_TKE);
    });
  }

  /** What is stored of one layer of a prompt, its first `length` tokens: k and v [1, K, length, E]. */
  stored(layer: number, row: number, length: number): { k: Tensor; v: Tensor } {
    const part = (of: Tensor) => narrow(narrow(of, 0, row, 1), 2, this.#starts[row]!, length);
    return { k: part(this.#keys[layer]!), v: part(this.#values[layer]!) };
  }

  /** Whether all has to move for the next token's column. */
  get isFull(): boolean {
    return this.#used === this.#columns;
  }

  /** Sees to it that there is a column for the next token. */
  makeRoom(): void {
    if (this.isFull) this.#move(this.#used, this.#starts, (of) => of(this));
    this.#used++;
  }

  /** Opens that column, on the device; every layer then appends into it. */
  advance(): void {
    add_(this.#column, 1);
    if ("mask" in this.#seen) indexFill_(this.#seen.mask, 3, this.#column, 0);
    else add_(this.#seen.lengths, 1);
  }

  /** Writes the newest token's k_BKE, v_BKE; gives back all columns, k and v [B, K, columns, E], and which are seen. */
  append(layer: number, k_BKE: Tensor, v_BKE: Tensor): { k: Tensor; v: Tensor; seen: Seen } {
    const [k, v] = [this.#keys[layer]!, this.#values[layer]!];
    indexCopy_(k, 2, this.#column, unsqueeze(k_BKE, 2));
    indexCopy_(v, 2, this.#column, unsqueeze(v_BKE, 2));
    return { k, v, seen: this.#seen };
  }

  /** Keeps the given sequences, in their order; one may be named several times (n completions of a prompt). */
  select(rows: readonly number[]): void {
    const starts = rows.map((row) => this.#starts[row]!);
    // Columns that nobody uses any more, in whole blocks: fewer are not worth it that sums change their order.
    const block = blockOf(this.#device);
    const dropped = Math.floor(Math.min(...starts) / block) * block;
    const left = this.#used - dropped;
    this.#most -= dropped;
    tidy(() => {
      const index = toDevice(ints(rows), this.#device);
      const moved = starts.map((start) => start - dropped);
      this.#move(left, moved, (of) => indexSelect(narrow(of(this), 2, dropped, left), 0, index));
    });
  }

  /** Takes over the sequences of another cache, which is disposed, behind its own. All write their next token next. */
  join(other: KVCache): void {
    const caches = [this, other].map((cache) => ({ cache, used: cache.#used, starts: cache.#starts }));
    const used = Math.max(this.#used, other.#used);
    this.#most = used + Math.max(this.#most - this.#used, other.#most - other.#used);
    const starts = caches.flatMap(({ starts, used: own }) => starts.map((start) => start + used - own));
    this.#move(used, starts, (of) =>
      cat(
        caches.map(({ cache, used: own }) => alignedRight(narrow(of(cache), 2, 0, own), used)),
        0,
      ),
    );
    other.dispose();
  }

  /**
   * Makes the keys and the values of every layer anew: what `pick` gives, `used` columns, and room for the next ones. `of` takes them
   * from a cache.
   */
  #move(used: number, starts: readonly number[], pick: (of: (cache: KVCache) => Tensor) => Tensor): void {
    const columns = columnsFor(used, this.#most, this.#device);
    const moved = (of: (cache: KVCache) => Tensor) => {
      const old = of(this);
      const copy = keep(
        tidy(() => {
          const picked = pick(of);
          return cat([picked, zeros(picked.shape.with(2, columns - used), old.dtype, old.device)], 2);
        }),
      );
      old.dispose();
      return copy;
    };
    // One after another: at no time are there two copies of more than one layer.
    for (const layer of this.#keys.keys()) this.#keys[layer] = moved((cache) => cache.#keys[layer]!);
    for (const layer of this.#values.keys()) this.#values[layer] = moved((cache) => cache.#values[layer]!);
    if (used !== this.#used) {
      this.#column.dispose();
      this.#column = newest(used, this.#device);
    }
    this.#used = used;
    this.#columns = columns;
    this.#starts = starts;
    disposeAll(this.#seen);
    this.#seen = this.#visible();
  }

  /** What the sequences see of the columns that there are. */
  #visible(): Seen {
    const [B, C, device] = [this.#starts.length, this.#columns, this.#device];
    const { heads, kvHeads: K } = this.#shape;
    return keep(
      tidy(() => {
        if (!this.#isFlash) {
          const visible = new Uint8Array(B * C);
          for (const [b, start] of this.#starts.entries()) visible.fill(1, b * C + start, b * C + this.#used);
          return { mask: additive(visible, [B, 1, 1, C], this.#dtype, device) };
        }
        const place = (values: readonly number[]) => toDevice(cast(ints(values), "int32"), device);
        const starts = this.#starts.flatMap((start) => new Array<number>(K).fill(start));
        const queries = Array.from({ length: B * K + 1 }, (_, i) => (i * heads) / K);
        return {
          queries: { ends: place(queries), longest: heads / K },
          keys: { ends: place([...starts.map((start, i) => i * C + start), B * K * C]), longest: C },
          lengths: place(starts.map((start) => this.#used - start)),
        };
      }),
    );
  }

  dispose(): void {
    disposeAll([this.#keys, this.#values, this.#seen, this.#column]);
  }
}

/** Columns to make where so many are used, of those that may be. */
function columnsFor(used: number, most: number, device: string): number {
  const columns = Math.min(used + blockOf(device), most);
  return device === "cpu" ? columns : MASK_WIDTH * Math.ceil(columns / MASK_WIDTH);
}

/** [1] int64: the newest of so many columns. */
function newest(used: number, device: string): Tensor {
  return keep(tidy(() => toDevice(ints([used - 1]), device)));
}

/** The columns of keys or values at the right end of `columns`. */
function alignedRight(tensor: Tensor, columns: number): Tensor {
  const missing = columns - tensor.size(2);
  if (missing === 0) return tensor;
  return cat([zeros(tensor.shape.with(2, missing), tensor.dtype, tensor.device), tensor], 2);
}
