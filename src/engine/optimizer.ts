/** @file AdamW over float32 masters, with clipping by the whole gradient's norm. Its state can be saved and restored. */
import { adamw_, cast, ints, mul_, norm, reshape, stack, toDevice, zerosLike } from "../torch/ops.ts";
import { keep, type Tensor, tidy } from "../torch/tensor.ts";
import type { StepMetrics, StepOptions } from "./engine.ts";
import type { Offloaded } from "./offload.ts";

export class AdamW {
  readonly #params: readonly (readonly [string, Tensor])[];
  readonly #offloaded: Offloaded | undefined;
  readonly #moments: Map<string, { mean: Tensor; square: Tensor }>;
  #steps = 0;

  /** Where the masters are in the host's memory, `offloaded` is the device's side of them. */
  constructor(params: readonly (readonly [string, Tensor])[], offloaded?: Offloaded) {
    this.#params = params;
    this.#offloaded = offloaded;
    this.#moments = new Map(
      params.map(([name, param]) => [name, { mean: keep(zerosLike(param)), square: keep(zerosLike(param)) }]),
    );
  }

  /** Updates taken so far; skipped ones do not count. */
  get steps(): number {
    return this.#steps;
  }

  /**
   * One update from the accumulated gradients, which are cleared. A gradient that is not finite is dropped, and so is one whose loss
   * had `unfit` quantities.
   */
  step(options: StepOptions, unfit: readonly string[] = []): StepMetrics {
    return tidy(() => {
      const moved = this.#params.flatMap(([name, param]) => {
        const grad = (this.#offloaded?.leaf(name) ?? param).grad();
        return grad ? [{ name, param, grad, ...this.#moments.get(name)! }] : [];
      });
      if (moved.length === 0) throw new Error("step: there are no gradients; call forwardBackward first.");
      const gradNorm = norm(
        stack(
          moved.map(({ grad }) => norm(grad)),
          0,
        ),
      ).item();
      const notFinite = [...unfit, ...(Number.isFinite(gradNorm) ? [] : ["gradient"])];
      const skipped = notFinite.length > 0;
      if (!skipped) {
        this.#steps++;
        if (gradNorm > options.clipNorm) for (const { grad } of moved) mul_(grad, options.clipNorm / (gradNorm + 1e-6));
        const count = toDevice(cast(reshape(ints([this.#steps]), []), "float32"), moved[0]!.param.device);
        // Norms and biases are not decayed. Gradients that come to the host come one by one.
        const groups = [true, false].flatMap((matrices) => {
          const group = moved.filter(({ param }) => param.shape.length > 1 === matrices);
          return this.#offloaded ? group.map((each) => [each]) : [group];
        });
        for (const group of groups.filter(({ length }) => length > 0))
          tidy(() => {
            const weightDecay = group[0]!.param.shape.length > 1 ? options.weightDecay : 0;
            adamw_(
              group.map(({ param }) => param),
              group.map(({ grad, param }) => (this.#offloaded ? toDevice(grad, param.device) : grad)),
              group.map(({ mean }) => mean),
              group.map(({ square }) => square),
              group.map(() => count),
              { ...options, weightDecay },
            );
            this.#offloaded?.refresh(group.map(({ name, param }) => [name, param]));
          });
      }
      for (const [name, param] of this.#params) (this.#offloaded?.leaf(name) ?? param).clearGrad();
      return { gradNorm, skipped, notFinite, spoilt: skipped ? undefined : firstNotFinite(moved) };
    });
  }

  /** Moments by parameter name, for a checkpoint. */
  state(): { steps: number; tensors: Map<string, Tensor> } {
    const tensors = new Map<string, Tensor>();
    for (const [name, { mean, square }] of this.#moments)
      tensors.set(`${name}.mean`, mean).set(`${name}.square`, square);
    return { steps: this.#steps, tensors };
  }

  setSteps(steps: number): void {
    this.#steps = steps;
  }

  dispose(): void {
    for (const { mean, square } of this.#moments.values()) {
      mean.dispose();
      square.dispose();
    }
  }
}

/** The name of the first parameter with a value that is not finite, or too large for its norm to be. */
function firstNotFinite(params: readonly { readonly name: string; readonly param: Tensor }[]): string | undefined {
  const norms = stack(
    params.map(({ param }) => norm(param)),
    0,
  );
  return params[norms.toFloats().findIndex((value) => !Number.isFinite(value))]?.name;
}
