/**
 * @file Trained parameters whose masters rest in the host's memory. The device has them in the type of the computation, and
 * their gradients in float32; the masters are updated by the CPU and then copied to the device again.
 */
import { copy_, expand, pinMemory, standIn, zeros } from "../torch/ops.ts";
import { type DType, keep, noGrad, type Tensor, tidy } from "../torch/tensor.ts";

/** Parameters by name. */
type Masters = readonly (readonly [string, Tensor])[];

export class Offloaded {
  /** On the device, in the type of the computation. */
  readonly copies: ReadonlyMap<string, Tensor>;
  /** Where gradients arrive: float32, of the parameter's shape, without its memory. */
  readonly #leaves: ReadonlyMap<string, Tensor>;

  constructor(masters: Masters, dtype: DType, device: string) {
    this.copies = new Map(masters.map(([name, { shape }]) => [name, keep(zeros(shape, dtype, device))]));
    this.#leaves = new Map(
      masters.map(([name, { shape }]) => [name, keep(tidy(() => expand(zeros([1], "float32", device), shape)))]),
    );
    this.refresh(masters);
  }

  /** A copy as a pass takes it: its gradient arrives at the parameter's leaf. Anything but a copy as it is. */
  fetch = (name: string, value: Tensor): Tensor => {
    const leaf = this.#leaves.get(name);
    return leaf ? standIn(value, leaf) : value;
  };

  /** Where a parameter's gradient arrives. */
  leaf(name: string): Tensor {
    return this.#leaves.get(name)!;
  }

  /** Brings the copies up to date with their masters. */
  refresh(masters: Masters): void {
    noGrad(() => {
      for (const [name, master] of masters) copy_(this.copies.get(name)!, master);
    });
  }

  dispose(): void {
    for (const tensor of [...this.copies.values(), ...this.#leaves.values()]) tensor.dispose();
  }
}

/** A tensor of the host from which a device copies fastest: in memory that cannot be paged out, where there is such a device. */
export function resting(tensor: Tensor, device: string): Tensor {
  if (!device.startsWith("cuda")) return tensor;
  const pinned = keep(pinMemory(tensor));
  tensor.dispose();
  return pinned;
}
