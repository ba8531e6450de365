/** @file AdamW over float32 masters, with clipping by the whole gradient's norm. Its state can be saved and restored. */
import { adamw_, cast, ints, mul_, norm, reshape, stack, toDevice, zerosLike } from "../torch/ops.ts";
import { keep, type Tensor, tidy } from "../torch/tensor.ts";
import type { StepMetrics, StepOptions } from "./engine.ts";
import type { Masters } from "./masters.ts";

export class AdamW {
  readonly #masters: Masters;
  readonly #moments: Map<string, { mean: Tensor; square: Tensor }>;
  #steps = 0;

  constructor(masters: Masters) {
    this.#masters = masters;
    this.#moments = new Map(
      masters.own.map(({ name, tensor }) => [name, { mean: keep(zerosLike(tensor)), square: keep(zerosLike(tensor)) }]),
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
      const masters = this.#masters;
      const gradients = masters.gradients();
      const moved = masters.own.flatMap(({ name, tensor, decays }) => {
        const grad = gradients.get(name);
        return grad ? [{ param: tensor, grad, decays, ...this.#moments.get(name)! }] : [];
      });
      const own = moved.length > 0 ? normOf(moved.map(({ grad }) => grad)) : 0;
      const gradNorm = masters.wholeNorm(own);
      const notFinite = [...unfit, ...(Number.isFinite(gradNorm) ? [] : ["gradient"])];
      const skipped = notFinite.length > 0;
      if (!skipped) {
        this.#steps++;
        if (gradNorm > options.clipNorm) for (const { grad } of moved) mul_(grad, options.clipNorm / (gradNorm + 1e-6));
        // Gradients that come to the host come one by one.
        const groups = [true, false].flatMap((decays) => {
          const group = moved.filter((each) => each.decays === decays);
          return masters.rest ? group.map((each) => [each]) : [group];
        });
        for (const group of groups.filter(({ length }) => length > 0))
          tidy(() => {
            const [{ param: first, decays }] = group as [(typeof group)[0]];
            const count = toDevice(cast(reshape(ints([this.#steps]), []), "float32"), first.device);
            adamw_(
              group.map(({ param }) => param),
              group.map(({ grad, param }) => (masters.rest ? toDevice(grad, param.device) : grad)),
              group.map(({ mean }) => mean),
              group.map(({ square }) => square),
              group.map(() => count),
              { ...options, weightDecay: decays ? options.weightDecay : 0 },
            );
          });
        masters.publish();
      }
      masters.clearGradients();
      return { gradNorm, skipped, notFinite, spoilt: skipped ? undefined : masters.firstNotFinite() };
    });
  }

  /** Moments, by parameter name, of what is updated here: for a checkpoint. */
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

function normOf(tensors: readonly Tensor[]): number {
  return norm(
    stack(
      tensors.map((tensor) => norm(tensor)),
      0,
    ),
  ).item();
}
