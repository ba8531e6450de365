/** @file What a frozen vision tower made of images, remembered: one computation for the policy, the reference, all
 * completions and all epochs. */
import type { ImageInput } from "../records.ts";
import { cat, clone, split } from "../torch/ops.ts";
import { keep, type Tensor } from "../torch/tensor.ts";

/** Features of the most recently used images, [merged patches, D] each. */
export class FeatureCache {
  readonly #entries = new Map<string, Tensor>();
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /**
   * The images' features end to end. `encode` computes those of the images that are not remembered, end to end as well;
   * `tokens` says how many rows an image has.
   */
  get(
    images: readonly ImageInput[],
    tokens: (image: ImageInput) => number,
    encode: (images: readonly ImageInput[]) => Tensor,
  ): Tensor {
    const missing = new Map(
      images.map((image) => [keyOf(image), image] as const).filter(([key]) => !this.#entries.has(key)),
    );
    if (missing.size > 0) {
      const fresh = [...missing.values()];
      const parts = split(encode(fresh), fresh.map(tokens), 0);
      // A part is a view into the whole: a copy of its own lets the whole be freed.
      for (const [i, key] of [...missing.keys()].entries()) this.#entries.set(key, keep(clone(parts[i]!)));
    }
    return cat(
      images.map((image) => {
        const key = keyOf(image);
        const features = this.#entries.get(key)!;
        this.#entries.delete(key);
        this.#entries.set(key, features);
        return features;
      }),
      0,
    );
  }

  /** Forgets the least recently used beyond the capacity; called between passes, when none is in use. */
  trim(): void {
    for (const [key, features] of this.#entries) {
      if (this.#entries.size <= this.#capacity) return;
      features.dispose();
      this.#entries.delete(key);
    }
  }

  clear(): void {
    for (const features of this.#entries.values()) features.dispose();
    this.#entries.clear();
  }
}

function keyOf({ sha256, grid_thw }: ImageInput): string {
  return `${sha256}/${grid_thw}`;
}
