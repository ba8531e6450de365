/**
 * @file The two ways tokens look at each other: within a pack of trees, and one new token each against a cache.
 */
import {
  add,
  attention,
  cat,
  contiguous,
  matmul,
  mul,
  permute,
  reshape,
  softmax,
  split,
  transpose,
  unsqueeze,
} from "../torch/ops.ts";
import type { Tensor } from "../torch/tensor.ts";
import type { KVCache } from "./kv_cache.ts";
import { additive, treeVisibility } from "./masks.ts";
import { type Attention, type Tree, treeLength } from "./model.ts";

/** Tokens of a pack look back along their own branch and its root. Made for one forward pass. */
export class PackAttention implements Attention {
  readonly #trees: readonly Tree[];
  readonly #lengths: readonly number[];
  readonly #masks = new Map<Tree, Tensor>();
  readonly #cache: KVCache | undefined;

  /** With a `cache`, the keys and values of the trees, roots only, are stored in it on the way. */
  constructor(trees: readonly Tree[], cache?: KVCache) {
    this.#trees = trees;
    this.#lengths = trees.map(treeLength);
    this.#cache = cache;
  }

  attend(layer: number, q_THE: Tensor, k_TKE: Tensor, v_TKE: Tensor): Tensor {
    this.#cache?.prefill(layer, this.#lengths, k_TKE, v_TKE);
    const [qs, ks, vs] = [q_THE, k_TKE, v_TKE].map((x) => split(x, this.#lengths, 0)) as [Tensor[], Tensor[], Tensor[]];
    const outs = this.#trees.map((tree, i) => this.#attendTree(tree, qs[i]!, ks[i]!, vs[i]!));
    return outs.length === 1 ? outs[0]! : cat(outs, 0);
  }

  /** The R query heads that share a key/value head become rows of one product: q [1, K, R*T, E] on k [1, K, T, E]. */
  #attendTree(tree: Tree, q_THE: Tensor, k_TKE: Tensor, v_TKE: Tensor): Tensor {
    const [T, H, E] = q_THE.shape as [number, number, number];
    const K = k_TKE.size(1);
    const R = H / K;
    const q = reshape(permute(reshape(q_THE, [T, K, R, E]), [1, 2, 0, 3]), [1, K, R * T, E]);
    const k = unsqueeze(transpose(k_TKE, 0, 1), 0);
    const v = unsqueeze(transpose(v_TKE, 0, 1), 0);
    const out = maskedAttention(q, k, v, this.#mask(tree, R, q));
    return reshape(permute(reshape(out, [K, R, T, E]), [2, 0, 1, 3]), [T, H * E]);
  }

  /** [R*T, T], built at the first layer. */
  #mask(tree: Tree, repeats: number, like: Tensor): Tensor {
    let mask = this.#masks.get(tree);
    if (!mask) {
      const T = treeLength(tree);
      const once = additive(treeVisibility(tree), [T, T], like.dtype, like.device);
      mask = cat(new Array<Tensor>(repeats).fill(once), 0);
      this.#masks.set(tree, mask);
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
    return reshape(maskedAttention(reshape(q_BHE, [B, K, H / K, E]), k, v, mask), [B, H * E]);
  }
}

/**
 * softmax(q kᵀ/√E + mask) v. In bfloat16 on the CPU two plain products are twice as fast as the fused kernel at the
 * lengths of a reasoning chain (500 tokens, forward and backward); everywhere else the fused kernel wins.
 */
function maskedAttention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor): Tensor {
  if (q.dtype === "bfloat16" && q.device === "cpu") {
    const scores = matmul(mul(q, q.size(-1) ** -0.5), transpose(k, -2, -1));
    return matmul(softmax(add(scores, mask), -1), v);
  }
  return attention(contiguous(q), k, v, mask);
}
