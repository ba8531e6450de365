/**
 * @file A pack's attention in one call of the variable-length flash kernel, for GPUs that have it. Each root and each branch
 * is a sequence of its own; the keys of a branch are its root's rows and its own, gathered side by side. The kernel aligns
 * its causal mask at the end of both, so that a token sees all of the root and its own past: no masks, and one kernel
 * instead of one for each branch.
 */
import {
  cast,
  flashAttention,
  hasFlashAttention,
  indexSelect,
  ints,
  type Lengths,
  reshape,
  toDevice,
  transpose,
} from "../torch/ops.ts";
import { type DType, scopeHere, type Tensor } from "../torch/tensor.ts";
import { PackAttention, type Store, storeKeys } from "./attention.ts";
import type { Attention, ModelShape, Tree } from "./model.ts";

/** How the tokens of a pack look at each other, in the way that is fastest on the device. */
export function attentionOf(
  trees: readonly Tree[],
  { headWidth }: ModelShape,
  dtype: DType,
  device: string,
  store?: Store,
): Attention {
  const Kind = hasFlashAttention(device, dtype, headWidth) ? VarlenAttention : PackAttention;
  return new Kind(trees, store);
}

/** The sequences of a pack, and where their keys come from. */
export interface VarlenPlan {
  /** Of queries and of keys, sequence by sequence, in the pack's order. */
  readonly queries: readonly number[];
  readonly keys: readonly number[];
  /** For every gathered key, its row in the pack. */
  readonly rows: readonly number[];
}

/** Roots and branches as sequences of queries and keys. */
export function varlenPlan(trees: readonly Tree[]): VarlenPlan {
  const plan = { queries: [] as number[], keys: [] as number[], rows: [] as number[] };
  const rowsFrom = (start: number, length: number) => Array.from({ length }, (_, i) => start + i);
  let start = 0;
  for (const { root, branches } of trees) {
    const rootRows = rowsFrom(start, root);
    const add = (query: number, rows: readonly number[]) => {
      plan.queries.push(query);
      plan.keys.push(rows.length);
      for (const row of rows) plan.rows.push(row);
      start += query;
    };
    add(root, rootRows);
    for (const branch of branches) add(branch, [...rootRows, ...rowsFrom(start, branch)]);
  }
  return plan;
}

/** The same numbers as `PackAttention`, by another kernel. Made for one forward pass. */
export class VarlenAttention implements Attention {
  readonly #trees: readonly Tree[];
  readonly #store: Store | undefined;
  readonly #kernel: typeof flashAttention;
  readonly #keep = scopeHere();
  /** What is on the device for all layers; no gathering where no root has branches. */
  #placed: { queries: Lengths; keys: Lengths; rows: Tensor | undefined } | undefined;

  constructor(trees: readonly Tree[], store?: Store, kernel = flashAttention) {
    this.#trees = trees;
    this.#store = store;
    this.#kernel = kernel;
  }

  attend(layer: number, q_THE: Tensor, k_TKE: Tensor, v_TKE: Tensor): Tensor {
    const soFar = this.#store && storeKeys(this.#store, layer, this.#trees, k_TKE, v_TKE);
    const [T, H, E] = q_THE.shape as [number, number, number];
    const { queries, keys, rows } = this.#place(q_THE.device);
    const gathered = (x: Tensor) => (rows ? indexSelect(x, 0, rows) : x);
    const stored = (x: Tensor) => transpose(reshape(x, x.shape.slice(1)), 0, 1);
    const [k_GKE, v_GKE] = soFar ? [soFar.k, soFar.v].map(stored) : [k_TKE, v_TKE].map(gathered);
    const out = this.#kernel(q_THE, k_GKE!, v_GKE!, queries, keys);
    return reshape(out, [T, H * E]);
  }

  #place(device: string) {
    if (this.#placed) return this.#placed;
    const plan = varlenPlan(this.#trees);
    const before = this.#store?.before ?? 0;
    const branched = this.#trees.some(({ branches }) => branches.length > 0);
    const queries = this.#keep(lengthsOf(plan.queries, device));
    const keys =
      branched || before > 0
        ? this.#keep(
            lengthsOf(
              plan.keys.map((length) => before + length),
              device,
            ),
          )
        : queries;
    const rows = branched ? this.#keep(toDevice(ints(plan.rows), device)) : undefined;
    this.#placed = { queries, keys, rows };
    return this.#placed;
  }
}

function lengthsOf(lengths: readonly number[], device: string): Lengths {
  const ends = [0];
  for (const length of lengths) ends.push(ends.at(-1)! + length);
  return { ends: toDevice(cast(ints(ends), "int32"), device), longest: Math.max(...lengths) };
}
