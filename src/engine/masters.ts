/**
 * @file The float32 masters that an optimizer moves: where their gradients come from, and who gets what it has made of them. One
 * process has them whole.
 */
import { norm, stack } from "../torch/ops.ts";
import { type Tensor, tidy } from "../torch/tensor.ts";
import type { Offloaded } from "./offload.ts";

/** A parameter, or the stretch of one that is updated here. */
export interface Master {
  /** Of the parameter. */
  readonly name: string;
  readonly tensor: Tensor;
  /** Norms and biases are not decayed. */
  readonly decays: boolean;
}

/** Goes forward and backward. Calls `passed` whenever the gradients of a stage are complete. */
export type GradientPass = (passed: () => void) => void;

export interface Masters {
  readonly own: readonly Master[];
  /** Whether they rest in the host's memory, to which gradients then come one by one. */
  readonly rest: boolean;
  /** Whether this process writes for all. */
  readonly writes: boolean;
  /**
   * Carries out passes, one after another, and adds up their gradients, which are those of the named parameters. Processes that train
   * together all call it, with as many passes as each has.
   * @throws what a pass throws; FailedElsewhere when one has thrown in another process
   */
  accumulate(names: readonly string[], passes: readonly GradientPass[]): void;
  /** The gradients that have arrived, summed over all processes, of what is updated here, by name. @throws when there are none anywhere */
  gradients(): ReadonlyMap<string, Tensor>;
  clearGradients(): void;
  /** The norm of the whole gradient from that of the own part. */
  wholeNorm(own: number): number;
  /** Brings the weights that are computed with up to date. */
  publish(): void;
  /** The first parameter that is not finite, or too large for its norm to be. */
  firstNotFinite(): string | undefined;
  /** A tensor of the size of a parameter, whole, from the stretch of it that is kept here, if any. */
  gathered(name: string, own: Tensor | undefined): Tensor;
  /** The stretch of such a tensor that is kept here. */
  stretch(name: string, whole: Tensor): Tensor | undefined;
  /** Frees what is not the caller's. */
  dispose(): void;
}

/** What a step says to a caller who has forgotten the rest of it. */
export const NO_GRADIENTS = "step: there are no gradients; call forwardBackward first.";

/** A pass has failed in another process, whose error says why. */
export class FailedElsewhere extends Error {
  constructor() {
    super("A pass has failed in another process.");
  }
}

export class WholeMasters implements Masters {
  readonly own: readonly Master[];
  readonly writes = true;
  readonly #offloaded: Offloaded | undefined;

  /** Where the masters are in the host's memory, `offloaded` is the device's side of them. */
  constructor(params: readonly (readonly [string, Tensor])[], offloaded?: Offloaded) {
    this.own = params.map(([name, tensor]) => ({ name, tensor, decays: tensor.shape.length > 1 }));
    this.#offloaded = offloaded;
  }

  get rest(): boolean {
    return this.#offloaded !== undefined;
  }

  accumulate(_: readonly string[], passes: readonly GradientPass[]): void {
    for (const pass of passes) pass(() => {});
  }

  gradients(): Map<string, Tensor> {
    const arrived = this.own.flatMap((master) => {
      const grad = this.#leaf(master).grad();
      return grad ? [[master.name, grad] as const] : [];
    });
    if (arrived.length === 0) throw new Error(NO_GRADIENTS);
    return new Map(arrived);
  }

  clearGradients(): void {
    for (const master of this.own) this.#leaf(master).clearGrad();
  }

  wholeNorm(own: number): number {
    return own;
  }

  publish(): void {
    this.#offloaded?.refresh(this.own.map(({ name, tensor }) => [name, tensor]));
  }

  firstNotFinite(): string | undefined {
    return this.own[placeNotFinite(this.own)]?.name;
  }

  gathered(_: string, own: Tensor | undefined): Tensor {
    return own!;
  }

  stretch(_: string, whole: Tensor): Tensor {
    return whole;
  }

  dispose(): void {}

  #leaf({ name, tensor }: Master): Tensor {
    return this.#offloaded?.leaf(name) ?? tensor;
  }
}

/** The place of the first master with a value that is not finite, or too large for its norm to be; -1 when there is none. */
export function placeNotFinite(masters: readonly Master[]): number {
  if (masters.length === 0) return -1;
  return tidy(() => {
    const norms = stack(
      masters.map(({ tensor }) => norm(tensor)),
      0,
    );
    return norms.toFloats().findIndex((value) => !Number.isFinite(value));
  });
}
