/**
 * @file A model's parameters by name, in the type that a pass computes in. Masters are float32 leaves; `compute(dtype)` gives
 * the view a forward pass works with: the masters themselves in float32, or casts of them that autograd sees through.
 */
import { asType, cast } from "../torch/ops.ts";
import { type DType, type Tensor, tidy } from "../torch/tensor.ts";

/** How an adapter is applied: see `lora.ts`. */
export interface Adaptation {
  /** alpha / rank. */
  readonly scale: number;
  /** While training: the share of inputs that A does not see, and the seed of each module's mask. */
  readonly dropout?: { readonly share: number; readonly seedOf: (module: string) => number };
}

/** Where parameters go that are not where they are computed with, and how. */
export interface Resting {
  readonly device: string;
  /** A parameter, in the type of the computation, as a pass takes it. */
  readonly fetch: (name: string, value: Tensor) => Tensor;
}

/** What passes without gradients take in place of parameters: see sampling-weights.ts. */
export interface Layout {
  /** Weights of linear layers, by their names. */
  readonly factors: ReadonlyMap<string, Tensor>;
  /** Linear layers that are computed as one, by the prefix of the first. */
  readonly joined: ReadonlyMap<string, JoinedLayer>;
}

/** Linear layers that read the same input: their weights end to end, and how many outputs each has. */
export interface JoinedLayer {
  readonly prefixes: readonly string[];
  readonly weight: Tensor;
  readonly bias: Tensor | undefined;
  readonly widths: readonly number[];
}

export class Weights {
  readonly dtype: DType;
  /** How the adapter among the parameters is applied; a model without one has none. */
  readonly adaptation: Adaptation | undefined;
  readonly #tensors: ReadonlyMap<string, Tensor>;
  readonly #resting: Resting | undefined;
  readonly #layout: Layout | undefined;

  constructor(
    tensors: ReadonlyMap<string, Tensor>,
    dtype: DType = "float32",
    adaptation?: Adaptation,
    resting?: Resting,
    layout?: Layout,
  ) {
    this.#tensors = tensors;
    this.dtype = dtype;
    this.adaptation = adaptation;
    this.#resting = resting;
    this.#layout = layout;
  }

  /**
   * A parameter in the type of the computation. Where it is held in another, or elsewhere, this is a copy made now, in the
   * innermost scope: those of a layer live as long as the layer needs them.
   * @throws when there is no such parameter: a fault of the model code, loading has checked every name
   */
  get(name: string): Tensor {
    const tensor = this.#tensors.get(name);
    if (!tensor) throw new Error(`No parameter ${name}.`);
    const typed = asType(tensor, this.dtype);
    return this.#resting ? this.#resting.fetch(name, typed) : typed;
  }

  /** The weight of a linear layer, for `linear` alone. @throws as `get` does */
  factor(name: string): Tensor {
    return this.#layout?.factors.get(name) ?? this.get(name);
  }

  /** The linear layers of these prefixes as one, where they are laid out so; for `linears` alone. */
  joined(prefixes: readonly string[]): JoinedLayer | undefined {
    const found = this.#layout?.joined.get(prefixes[0]!);
    return found && `${found.prefixes}` === `${prefixes}` ? found : undefined;
  }

  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  /** The parameters as they are held. */
  entries(): IterableIterator<[string, Tensor]> {
    return this.#tensors.entries();
  }

  /** Where the parameters are computed with. */
  get device(): string {
    return this.#resting?.device ?? this.#tensors.values().next().value!.device;
  }

  /**
   * The same parameters in `dtype`. Those that `atOnce` names are made ready here, in the current scope, for what a pass asks for
   * again and again; the others whenever they are asked for.
   */
  compute(dtype: DType, atOnce: (name: string) => boolean = () => false): Weights {
    const resting = this.#resting;
    if (dtype === this.dtype && !resting) return this;
    const ready = (name: string, tensor: Tensor) =>
      tidy(() => {
        const typed = cast(tensor, dtype);
        return resting ? resting.fetch(name, typed) : typed;
      });
    const tensors = new Map(
      [...this.#tensors].map(([name, tensor]) => [name, atOnce(name) ? ready(name, tensor) : tensor]),
    );
    const rest = resting && {
      ...resting,
      fetch: (name: string, value: Tensor) => (atOnce(name) ? value : resting.fetch(name, value)),
    };
    return new Weights(tensors, dtype, this.adaptation, rest);
  }

  /** The same parameters, the adapter applied otherwise. */
  adapted(adaptation: Adaptation | undefined): Weights {
    return new Weights(this.#tensors, this.dtype, adaptation, this.#resting, this.#layout);
  }

  /** The same parameters for passes without gradients, some of them laid out otherwise. */
  laidOut(layout: Layout): Weights {
    return new Weights(this.#tensors, this.dtype, this.adaptation, this.#resting, layout);
  }
}
