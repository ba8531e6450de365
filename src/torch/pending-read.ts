/** @file A read that does not wait: a GPU copies values to the host when it has computed them, and may meanwhile be asked for more. */
import { countRead } from "./device-ledger.ts";
import { native } from "./native.ts";
import type { Tensor } from "./tensor.ts";

export class PendingRead {
  readonly #read: number;
  readonly #elements: number;

  /** Of a float32 tensor, which may change or be freed right after. */
  constructor(x: Tensor) {
    countRead();
    this.#elements = x.shape.reduce((a, b) => a * b, 1);
    this.#read = native.beginRead(x.handle);
  }

  /** Waits for the values, row-major, and gives them; once. */
  floats(): Float32Array {
    const out = new Float32Array(this.#elements);
    native.endRead(this.#read, out);
    return out;
  }

  /** In place of `floats`: nobody asks for the values any more. */
  dispose(): void {
    native.dropRead(this.#read);
  }
}
