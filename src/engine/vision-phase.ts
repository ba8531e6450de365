/**
 * @file The gradient of a trained vision tower, in a phase of its own. Micro-batches take the features of images as given; the
 * gradients that arrive there are summed, and before the update the tower runs again, backward, some images at a time. By linearity
 * that is the gradient of one graph through everything, without the tower's activations of a whole micro-batch.
 */
import type { Model, Part } from "../models/model.ts";
import { type Pass, passThrough, runStages, type Stages } from "../models/stages.ts";
import type { Weights } from "../models/weights.ts";
import type { ImageInput } from "../records.ts";
import { add_, cast, cat, clone, split } from "../torch/ops.ts";
import { bytesPer, keep, noGrad, type Tensor, tidy } from "../torch/tensor.ts";
import { byBudget } from "../util/arrays.ts";
import { imageKey, patchesOf } from "./features.ts";

/** Whether anything of these parts is trained. */
type Trains = (...parts: Part[]) => boolean;

export class VisionPhase {
  readonly #model: Model;
  readonly #trains: Trains;
  readonly #checkpointing: boolean;
  readonly #patches: number;
  readonly #arrived = new Map<string, { readonly image: ImageInput; readonly gradient_MD: Tensor }>();

  /** `patches`: of the images that run backward together, 1 for each alone. */
  constructor(model: Model, trains: Trains, checkpointing: boolean, patches = 1) {
    this.#model = model;
    this.#trains = trains;
    this.#checkpointing = checkpointing;
    this.#patches = patches;
  }

  /** Whether nothing has arrived. */
  get isEmpty(): boolean {
    return this.#arrived.size === 0;
  }

  /** Adds the gradient of a micro-batch at the features of its images, image after image: gradient_MD. Sums are float32 at least. */
  add(images: readonly ImageInput[], gradient_MD: Tensor): void {
    const { mergeSize } = this.#model.imageLayout;
    const tokens = images.map((image) => patchesOf(image) / mergeSize ** 2);
    noGrad(() =>
      tidy(() => {
        for (const [i, part] of split(gradient_MD, tokens, 0).entries()) {
          const image = images[i]!;
          const sum = this.#arrived.get(imageKey(image));
          if (sum) add_(sum.gradient_MD, part);
          else this.#arrived.set(imageKey(image), { image, gradient_MD: keep(wide(part)) });
        }
      }),
    );
  }

  /** Adds the gradients of the tower's and the connector's parameters; `weights` are those that some images are seen with. */
  backward(weights: (images: readonly ImageInput[]) => Weights): void {
    for (const together of byBudget([...this.#arrived.values()], ({ image }) => patchesOf(image), this.#patches))
      tidy(() => {
        const images = together.map(({ image }) => image);
        const pass = this.#pass(this.#model.imageStages(weights(images), images));
        const gradients = together.map(({ gradient_MD }) => gradient_MD);
        pass.backward(cast(gradients.length === 1 ? gradients[0]! : cat(gradients, 0), pass.out.dtype));
      });
    this.clear();
  }

  /** Forgets what has arrived. */
  clear(): void {
    for (const { gradient_MD } of this.#arrived.values()) gradient_MD.dispose();
    this.#arrived.clear();
  }

  /** Below a trained connector, which is the last stage, a frozen tower needs no gradient. */
  #pass({ first, rest }: Stages): Pass {
    const below = this.#trains("vision") ? 0 : rest.length - 1;
    const frozen = () => noGrad(() => runStages({ first, rest: rest.slice(0, below) }));
    const options = { checkpointing: this.#checkpointing, trained: { stages: true, inputs: false } };
    return passThrough({ first: frozen, rest: rest.slice(below) }, options);
  }
}

/** A copy in float32, or in its own type where that is wider. */
function wide(x: Tensor): Tensor {
  return bytesPer[x.dtype] < 4 ? cast(x, "float32") : clone(x);
}
