/**
 * @file A model's parameters by name. Masters are float32 leaves; `compute(dtype)` gives the view a forward pass works
 * with: the masters themselves in float32, or a cast of each that autograd sees through.
 */
import { cast } from "../torch/ops.ts";
import type { DType, Tensor } from "../torch/tensor.ts";

/** How an adapter is applied: see `lora.ts`. */
export interface Adaptation {
  /** alpha / rank. */
  readonly scale: number;
  /** While training: the share of inputs that A does not see, and the seed of each module's mask. */
  readonly dropout?: { readonly share: number; readonly seedOf: (module: string) => number };
}

export class Weights {
  readonly dtype: DType;
  /** How the adapter among the parameters is applied; a model without one has none. */
  readonly adaptation: Adaptation | undefined;
  readonly #tensors: ReadonlyMap<string, Tensor>;

  constructor(tensors: ReadonlyMap<string, Tensor>, dtype: DType = "float32", adaptation?: Adaptation) {
    this.#tensors = tensors;
    this.dtype = dtype;
    this.adaptation = adaptation;
  }

  /** @throws when there is no such parameter: a fault of the model code, loading has checked every name. */
  get(name: string): Tensor {
    const tensor = this.#tensors.get(name);
    if (!tensor) throw new Error(`No parameter ${name}.`);
    return tensor;
  }

  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  entries(): IterableIterator<[string, Tensor]> {
    return this.#tensors.entries();
  }

  /** The same parameters in `dtype`, for one pass; made inside a `tidy` scope, freed with it. */
  compute(dtype: DType): Weights {
    if (dtype === this.dtype) return this;
    const tensors = new Map([...this.#tensors].map(([name, tensor]) => [name, cast(tensor, dtype)]));
    return new Weights(tensors, dtype, this.adaptation);
  }

  /** The same parameters, the adapter applied otherwise. */
  adapted(adaptation: Adaptation | undefined): Weights {
    return new Weights(this.#tensors, this.dtype, adaptation);
  }
}
