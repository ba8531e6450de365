/**
 * @file Work that is done again and again on tensors that stand still. Asking for it operator by operator takes longer than many of the
 * operators themselves; so the work is recorded once, by a GPU as a CUDA graph, and then begun by one call.
 */
import { countCall } from "./device-ledger.ts";
import { native } from "./native.ts";
import { Tensor, tidy } from "./tensor.ts";

/**
 * `work` reads and writes tensors whose shapes and places in memory stay as they are, uploads nothing and reads nothing back. Where
 * that changes, say so by `moved`.
 */
export class Repeated {
  readonly #device: string;
  readonly #work: () => Tensor;
  #times = 0;
  #recording: number | undefined;

  constructor(device: string, work: () => Tensor) {
    this.#device = device;
    this.#work = work;
  }

  /**
   * Does the work once. The result is that of the caller's scope, valid until the next call. The first time after a move runs as it
   * stands, which also lets libraries prepare themselves; the second is recorded.
   */
  run(): Tensor {
    if (!native.recordsWork(this.#device)) return this.#work();
    if (this.#times++ === 0) return this.#work();
    this.#recording ??= record(this.#device, this.#work);
    countCall("replay");
    return new Tensor(native.replay(this.#recording));
  }

  /** Tensors of the work are others now, or elsewhere: what was recorded no longer holds. */
  moved(): void {
    this.#times = 0;
    if (this.#recording === undefined) return;
    native.disposeRecording(this.#recording);
    this.#recording = undefined;
  }
}

function record(device: string, work: () => Tensor): number {
  native.beginRecording(device);
  try {
    using result = tidy(work);
    return native.endRecording(result.handle);
  } catch (error) {
    native.abandonRecording();
    throw error;
  }
}
