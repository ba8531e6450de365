/**
 * @file What the vision tower made of images, remembered while its weights stand still: one computation for sampling, scoring
 * and training, and for all epochs where the tower is frozen.
 */
import type { ImageInput } from "../records.ts";
import { cat, clone, split } from "../torch/ops.ts";
import { bytesPer, keep, noGrad, type Tensor, tidy } from "../torch/tensor.ts";
import { byBudget } from "../util/arrays.ts";

/** Bytes of features kept beyond those of the last call: some thousand images of the tiny base, about a hundred of a model of 3B. */
const ROOM = 2 ** 27;

/**
 * Patches for whose operators a device takes longer than the host to ask for them: eight images of 448 x 448 pixels on a GPU, one on a
 * processor.
 */
const PATCHES = { gpu: 8192, cpu: 1024 };

/**
 * How many patches of images go through a tower that is trained together; 1: each image alone. Together they keep the device busy. On a
 * GPU a graph without checkpoints would hold the activations of too many, and dropout has a mask for each image.
 */
export function patchesTogether(device: string, checkpointing: boolean, dropout: boolean): number {
  if (dropout) return 1;
  if (device === "cpu") return PATCHES.cpu;
  return checkpointing ? PATCHES.gpu : 1;
}

/** Patches of an image, as they enter the tower. */
export function patchesOf({ grid_thw: [t, h, w] }: ImageInput): number {
  return t * h * w;
}

/** Features of images under one set of weights, [merged patches, D] each. */
export class FeatureCache {
  readonly #mergeSize: number;
  readonly #patches: number;
  readonly #entries = new Map<string, Tensor>();
  /** Those asked for since the last `trim`. */
  readonly #asked = new Set<string>();

  /**
   * `patches`: of the images that are encoded together. Only where all are forgotten at every step may it be more than 1: else features
   * depend, to the last bit, on which images a run happens to meet together.
   */
  constructor(mergeSize: number, patches = 1) {
    this.#mergeSize = mergeSize;
    this.#patches = patches;
  }

  /** The images' features end to end, without a graph. `encode` computes those of images that are not remembered. */
  get(images: readonly ImageInput[], encode: (images: readonly ImageInput[]) => Tensor): Tensor {
    const unseen = new Map(images.map((image) => [imageKey(image), image]));
    for (const key of this.#entries.keys()) unseen.delete(key);
    for (const together of byBudget([...unseen.values()], patchesOf, this.#patches)) this.#encode(together, encode);
    const features = images.map((image) => {
      const key = imageKey(image);
      const known = this.#entries.get(key)!;
      this.#entries.delete(key);
      this.#entries.set(key, known);
      this.#asked.add(key);
      return known;
    });
    return noGrad(() => cat(features, 0));
  }

  #encode(images: readonly ImageInput[], encode: (images: readonly ImageInput[]) => Tensor): void {
    const tokens = images.map((image) => patchesOf(image) / this.#mergeSize ** 2);
    noGrad(() =>
      tidy(() => {
        const features_MD = encode(images);
        const parts = images.length === 1 ? [features_MD] : split(features_MD, tokens, 0).map((part) => clone(part));
        for (const [i, part] of parts.entries()) this.#entries.set(imageKey(images[i]!), keep(part));
      }),
    );
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
