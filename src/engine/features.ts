/**
 * @file What a frozen vision tower made of images, remembered: one computation for policy, reference, completions, epochs.
 */
import type { ImageInput } from "../records.ts";
import { cat } from "../torch/ops.ts";
import { bytesPer, keep, type Tensor } from "../torch/tensor.ts";

/** Features of the most recently used images, [merged patches, D] each. */
export class FeatureCache {
  readonly #entries = new Map<string, Tensor>();
  readonly #bytes: number;

  /** Keeps at most so many bytes from one pass to the next. */
  constructor(bytes: number) {
    this.#bytes = bytes;
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

  /** Forgets the least recently used beyond the room; called between passes, when none is in use. */
  trim(): void {
    const size = ({ shape, dtype }: Tensor) => shape.reduce((a, b) => a * b, bytesPer[dtype]);
    let held = [...this.#entries.values()].reduce((total, features) => total + size(features), 0);
    for (const [key, features] of this.#entries) {
      if (held <= this.#bytes) return;
      held -= size(features);
      features.dispose();
      this.#entries.delete(key);
    }
  }

  clear(): void {
    for (const features of this.#entries.values()) features.dispose();
    this.#entries.clear();
  }
}
