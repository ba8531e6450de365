/**
 * @file The two ways tokens look at each other: within a pack of trees, and one new token each against a cache.
 */
import { attention, cast, cat, permute, reshape, split, transpose } from "../torch/ops.ts";
import { type DType, scopeHere, type Tensor } from "../torch/tensor.ts";
import type { KVCache } from "./kv_cache.ts";
import { additive, prefixedCausal } from "./masks.ts";
import { type Attention, type Tree, treeLength } from "./model.ts";

/** Tokens of a pack look back along their own branch and its root. Made for one forward pass. */
export class PackAttention implements Attention {
  readonly #trees: readonly Tree[];
  /** Lengths of all roots and branches, in the pack's order. */
  readonly #pieces: readonly number[];
  readonly #masks = new Map<string, Tensor>();
  /** The masks serve every layer, also where each layer has a scope of its own. */
  readonly #keepMask = scopeHere();
  readonly #cache: KVCache | undefined;

  /** With a `cache`, the keys and values of the trees, roots only, are stored in it on the way. */
  constructor(trees: readonly Tree[], cache?: KVCache) {
    this.#trees = trees;
    this.#pieces = trees.flatMap(({ root, branches }) => [root, ...branches]);
    this.#cache = cache;
  }

  /** The R query heads that share a key/value head become rows of one product: q [K, R*t, E] on k [K, t, E]. */
  attend(layer: number, q_THE: Tensor, k_TKE: Tensor, v_TKE: Tensor): Tensor {
    this.#cache?.prefill(layer, this.#trees.map(treeLength), k_TKE, v_TKE);
    const [T, H, E] = q_THE.shape as [number, number, number];
    const K = k_TKE.size(1);
    const R = H / K;
    const dtype = attentionType(q_THE.dtype, q_THE.device);
    const qs = split(permute(reshape(cast(q_THE, dtype), [T, K, R, E]), [1, 2, 0, 3]), this.#pieces, 2);
    const ks = split(transpose(cast(k_TKE, dtype), 0, 1), this.#pieces, 1);
    const vs = split(transpose(cast(v_TKE, dtype), 0, 1), this.#pieces, 1);

    let piece = 0;
    const attendPiece = (prefix: { k: Tensor; v: Tensor } | undefined): { k: Tensor; v: Tensor } => {
      const [t, before] = [this.#pieces[piece]!, prefix?.k.size(1) ?? 0];
      const k = prefix ? cat([prefix.k, ks[piece]!], 1) : ks[piece]!;
      const v = prefix ? cat([prefix.v, vs[piece]!], 1) : vs[piece]!;
      const q = reshape(qs[piece]!, [1, K, R * t, E]);
      const mask = this.#mask(before, t, R, q);
      const out = attention(q, reshape(k, [1, K, before + t, E]), reshape(v, [1, K, before + t, E]), mask);
      outs.push(reshape(out, [K, R, t, E]));
      piece++;
      return { k, v };
    };
    const outs: Tensor[] = [];
    for (const { branches } of this.#trees) {
      const root = attendPiece(undefined);
      for (const _ of branches) attendPiece(root);
    }
    return cast(reshape(permute(cat(outs, 2), [2, 0, 1, 3]), [T, H * E]), q_THE.dtype);
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

/** Decoding: each of B sequences has one new token and looks at everything its cache row holds. */
export class CacheAttention implements Attention {
  readonly #cache: KVCache;

  constructor(cache: KVCache) {
    this.#cache = cache;
  }

  attend(layer: number, q_BHE: Tensor, k_BKE: Tensor, v_BKE: Tensor): Tensor {
    const [B, H, E] = q_BHE.shape as [number, number, number];
    const K = k_BKE.size(1);
    const { k, v, mask } = this.#cache.append(layer, k_BKE, v_BKE);
    const q = reshape(cast(q_BHE, k.dtype), [B, K, H / K, E]);
    return cast(reshape(attention(q, k, v, mask), [B, H * E]), q_BHE.dtype);
  }
}

/**
 * The type attention is computed in. On the CPU always float32: oneDNN compiles a bfloat16 kernel for every new shape,
 * and a pack of chains has hundreds of them; its backward is 2 to 6 times slower besides. Float32 is also exacter.
 */
export function attentionType(dtype: DType, device: string): DType {
  return device === "cpu" ? "float32" : dtype;
}
