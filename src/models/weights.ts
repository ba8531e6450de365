/**
 * @file A model's parameters by name, in the type that a pass computes in. Masters are float32 leaves; `compute(dtype)` gives
 * the view a forward pass works with: the masters themselves in float32, or casts of them that autograd sees through.
 */
import { asType, cast } from "../torch/ops.ts";
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

  /**
   * A parameter in the type of the computation. Where it is held in another, this is a cast made now, in the innermost scope: a
   * layer's casts live as long as the layer needs them.
   * @throws when there is no such parameter: a fault of the model code, loading has checked every name
   */
  get(name: string): Tensor {
    const tensor = this.#tensors.get(name);
    if (!tensor) throw new Error(`No parameter ${name}.`);
    return asType(tensor, this.dtype);
  }

  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  /** The parameters as they are held. */
  entries(): IterableIterator<[string, Tensor]> {
    return this.#tensors.entries();
  }

  /** Where the parameters are. */
  get device(): string {
    return this.#tensors.values().next().value!.device;
  }

  /**
   * The same parameters in `dtype`. Those that `atOnce` names are cast here, in the current scope, for what a pass asks for again
   * and again; the others whenever they are asked for.
   */
  compute(dtype: DType, atOnce: (name: string) => boolean = () => false): Weights {
    if (dtype === this.dtype) return this;
    const tensors = new Map(
      [...this.#tensors].map(([name, tensor]) => [name, atOnce(name) ? cast(tensor, dtype) : tensor]),
    );
    return new Weights(tensors, dtype, this.adaptation);
  }

  /** The same parameters, the adapter applied otherwise. */
  adapted(adaptation: Adaptation | undefined): Weights {
    return new Weights(this.#tensors, this.dtype, adaptation);
  }
}
