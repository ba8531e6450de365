/**
 * @file What the vision tower made of images, remembered while its weights stand still: one computation for sampling, scoring
 * and training, and for all epochs where the tower is frozen.
 */
import type { ImageInput } from "../records.ts";
import { cat } from "../torch/ops.ts";
import { bytesPer, keep, noGrad, type Tensor, tidy } from "../torch/tensor.ts";

/** Bytes of features kept beyond those of the last call: some thousand images of the tiny base, about a hundred of a model of 3B. */
const ROOM = 2 ** 27;

/** Features of images under one set of weights, [merged patches, D] each. */
export class FeatureCache {
  readonly #entries = new Map<string, Tensor>();
  /** Those asked for since the last `trim`. */
  readonly #asked = new Set<string>();

  /**
   * The images' features end to end, without a graph. `encode` computes those of one image that is not remembered: always one
   * at a time, so that they do not depend, to the last bit, on which images a run happens to meet together.
   */
  get(images: readonly ImageInput[], encode: (image: ImageInput) => Tensor): Tensor {
    const features = images.map((image) => {
      const key = imageKey(image);
      const known = this.#entries.get(key) ?? keep(noGrad(() => tidy(() => encode(image))));
      this.#entries.delete(key);
      this.#entries.set(key, known);
      this.#asked.add(key);
      return known;
    });
    return noGrad(() => cat(features, 0));
  }

  /**
   * Ends a call of the engine: of what it did not ask for, forgets the least recently used beyond the room. What it did ask for,
   * the next one will: a step samples, scores and learns from the same images.
   */
  trim(): void {
    const size = ({ shape, dtype }: Tensor) => shape.reduce((a, b) => a * b, bytesPer[dtype]);
    let held = [...this.#entries.values()].reduce((total, features) => total + size(features), 0);
    for (const [key, features] of this.#entries) {
      if (held <= ROOM || this.#asked.has(key)) break;
      held -= size(features);
      features.dispose();
      this.#entries.delete(key);
    }
    this.#asked.clear();
  }

  /** Forgets all: the weights that made them are others now. */
  clear(): void {
    for (const features of this.#entries.values()) features.dispose();
    this.#entries.clear();
    this.#asked.clear();
  }
}

/** What an image is known by: the same file may be cut in several ways. */
export function imageKey({ sha256, grid_thw }: ImageInput): string {
  return `${sha256}/${grid_thw}`;
}
