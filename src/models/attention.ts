/**
 * @file The two ways tokens look at each other: within a pack of trees, and one new token each against a cache.
 */
import {
  add_,
  asType,
  attention,
  cat,
  expand,
  flashAttention,
  matmul,
  mul,
  permute,
  reshape,
  softmax,
  split,
  transpose,
} from "../torch/ops.ts";
import { type DType, scopeHere, type Tensor } from "../torch/tensor.ts";
import type { KVCache } from "./kv-cache.ts";
import { additive, prefixedCausal } from "./masks.ts";
import { type Attention, type Tree, treeLength } from "./model.ts";
import { type Run, runsOf } from "./runs.ts";

/** Where the keys and values of a pack's trees, roots only, go on the way: rows of a cache, from the `first` on. */
export interface Store {
  readonly cache: KVCache;
  readonly first: number;
  /** Where the pack is a piece of one prompt: tokens of it that are stored already, which the piece sees too. */
  readonly before: number;
}

/** Stores keys and values of one layer. What a piece of a prompt sees, k and v [1, K, all of it so far, E]; undefined for whole prompts. */
export function storeKeys(
  { cache, first, before }: Store,
  layer: number,
  trees: readonly Tree[],
  k_TKE: Tensor,
  v_TKE: Tensor,
): { k: Tensor; v: Tensor } | undefined {
  cache.prefill(layer, first, trees.map(treeLength), k_TKE, v_TKE, before);
  return before > 0 ? cache.stored(layer, first, before + k_TKE.size(0)) : undefined;
}

/** Tokens of a pack look back along their own branch and its root. Made for one forward pass. */
export class PackAttention implements Attention {
  readonly #trees: readonly Tree[];
  /** Roots and branches in the pack's order; neighbours of one length are one piece: branches, and trees without any. */
  readonly #pieces: readonly Piece[];
  readonly #masks = new Map<string, Tensor>();
  /** The masks serve every layer, also where each layer has a scope of its own. */
  readonly #keepMask = scopeHere();
  readonly #store: Store | undefined;

  constructor(trees: readonly Tree[], store?: Store) {
    this.#trees = trees;
    this.#pieces = piecesOf(trees);
    this.#store = store;
  }

  /** The R query heads that share a key/value head become rows of one product: q [n, K, R*t, E] on k [n, K, t, E]. */
  attend(layer: number, q_THE: Tensor, k_TKE: Tensor, v_TKE: Tensor): Tensor {
    const soFar = this.#store && storeKeys(this.#store, layer, this.#trees, k_TKE, v_TKE);
    const [T, H, E] = q_THE.shape as [number, number, number];
    const K = k_TKE.size(1);
    const R = H / K;
    const dtype = attentionType(q_THE.dtype, q_THE.device);
    const sizes = this.#pieces.map(({ count, length }) => count * length);
    const qs = split(permute(reshape(asType(q_THE, dtype), [T, K, R, E]), [1, 2, 0, 3]), sizes, 2);
    const ks = split(transpose(asType(k_TKE, dtype), 0, 1), sizes, 1);
    const vs = split(transpose(asType(v_TKE, dtype), 0, 1), sizes, 1);

    let root: { k: Tensor; v: Tensor } | undefined;
    const outs = this.#pieces.map(({ count: n, length: t, isBranch }, piece) => {
      const own = (part: Tensor) => transpose(reshape(part, [K, n, t, E]), 0, 1);
      const [k, v] = [own(ks[piece]!), own(vs[piece]!)];
      const withRoot = (part: Tensor, root: Tensor) => cat([expand(root, root.shape.with(0, n)), part], 2);
      const seen = isBranch ? { k: withRoot(k, root!.k), v: withRoot(v, root!.v) } : (soFar ?? { k, v });
      const before = seen.k.size(2) - t;
      if (!isBranch) root = seen;
      const q = reshape(permute(reshape(qs[piece]!, [K, R, n, t, E]), [2, 0, 1, 3, 4]), [n, K, R * t, E]);
      const out = attention(q, seen.k, seen.v, this.#mask(before, t, R, q));
      return reshape(permute(reshape(out, [n, K, R, t, E]), [1, 2, 0, 3, 4]), [K, R, n * t, E]);
    });
    return asType(reshape(permute(cat(outs, 2), [2, 0, 1, 3]), [T, H * E]), q_THE.dtype);
  }

  /** [repeats * t, before + t], built at the first layer and shared by pieces of equal size. */
  #mask(before: number, t: number, repeats: number, like: Tensor): Tensor {
    const key = `${before}+${t}`;
    let mask = this.#masks.get(key);
    if (!mask) {
      const once = additive(prefixedCausal(before, t), [t, before + t], like.dtype, like.device);
      mask = this.#keepMask(cat(new Array<Tensor>(repeats).fill(once), 0));
      this.#masks.set(key, mask);
    }
    return mask;
  }
}

/** `count` roots without branches of one length, or one root, or `count` branches of one length of the root before them. */
interface Piece extends Run {
  readonly isBranch: boolean;
}

function piecesOf(trees: readonly Tree[]): Piece[] {
  const bare = runsOf(trees.map((tree) => (tree.branches.length === 0 ? tree.root : 0)));
  let next = 0;
  return bare.flatMap(({ count, length }) => {
    const members = trees.slice(next, next + count);
    next += count;
    if (length > 0) return [{ count, length, isBranch: false }];
    return members.flatMap(({ root, branches }) => [
      { count: 1, length: root, isBranch: false },
      ...runsOf(branches).map((run) => ({ ...run, isBranch: true })),
    ]);
  });
}

/** Decoding: each of B sequences has one new token and looks at everything its cache row holds. */
export class CacheAttention implements Attention {
  readonly #cache: KVCache;
  readonly #kernel: typeof flashAttention;

  constructor(cache: KVCache, kernel = flashAttention) {
    this.#cache = cache;
    this.#kernel = kernel;
  }

  attend(layer: number, q_BHE: Tensor, k_BKE: Tensor, v_BKE: Tensor): Tensor {
    const [B, H, E] = q_BHE.shape as [number, number, number];
    const K = k_BKE.size(1);
    const dtype = attentionType(q_BHE.dtype, q_BHE.device);
    const { k, v, seen } = this.#cache.append(layer, asType(k_BKE, dtype), asType(v_BKE, dtype));
    if (!("mask" in seen)) {
      // Each head of keys is a sequence of one head, which has as many queries as share it.
      const [q_1, k_1, v_1] = [q_BHE, k, v].map((x) => reshape(x, [-1, 1, E])) as [Tensor, Tensor, Tensor];
      return reshape(this.#kernel(q_1, k_1, v_1, seen.queries, seen.keys, seen.lengths), [B, H * E]);
    }
    const q = reshape(asType(q_BHE, dtype), [B, K, H / K, E]);
    const attend = q_BHE.device === "cpu" ? attendByProducts : attention;
    return asType(reshape(attend(q, k, v, seen.mask), [B, H * E]), q_BHE.dtype);
  }
}

/**
 * `attention` by plain products. A processor's fused kernel takes blocks of queries, and decoding has one or a few for each head of keys: at
 * 32 sequences this takes half the time, with few sequences or wide heads as long.
 */
function attendByProducts(q: Tensor, k: Tensor, v: Tensor, mask: Tensor): Tensor {
  const scores = matmul(mul(q, q.size(-1) ** -0.5), transpose(k, -2, -1));
  return matmul(softmax(add_(scores, mask), -1), v);
}

/**
 * The type attention is computed in. On the CPU never bfloat16: oneDNN compiles a bfloat16 kernel for every new shape,
 * and a pack of chains has hundreds of them; its backward is 2 to 6 times slower besides. Float32 is also exacter.
 */
export function attentionType(dtype: DType, device: string): DType {
  return device === "cpu" && dtype === "bfloat16" ? "float32" : dtype;
}
