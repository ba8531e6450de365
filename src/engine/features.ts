/** @file What a frozen vision tower made of images, remembered: one computation for the policy, the reference, all
 * completions and all epochs. */
import type { ImageInput } from "../records.ts";
import { cat } from "../torch/ops.ts";
import { keep, type Tensor } from "../torch/tensor.ts";

/** Features of the most recently used images, [merged patches, D] each. */
export class FeatureCache {
  readonly #entries = new Map<string, Tensor>();
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /**
   * The images' features end to end. `encode` computes those of one image that is not remembered: always one at a time, so
   * that they do not depend, to the last bit, on which images a run happens to meet together.
   */
  get(images: readonly ImageInput[], encode: (image: ImageInput) => Tensor): Tensor {
    return cat(
      images.map((image) => {
        const key = `${image.sha256}/${image.grid_thw}`;
        const features = this.#entries.get(key) ?? keep(encode(image));
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
