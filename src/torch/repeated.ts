/**
 * @file Work that is done again and again on tensors that stand still. A GPU would spend more time waiting for the host to ask for the
 * next kernel than on the kernels themselves; so the work is recorded once as a CUDA graph, and then begun by one call.
 */
import { native } from "./native.ts";
import { keep, type Tensor, tidy } from "./tensor.ts";

/** What was recorded, and where it puts its result. */
interface Recording {
  readonly graph: number;
  readonly out: Tensor;
}

/**
 * `work` reads and writes tensors whose shapes and places in memory stay as they are, uploads nothing and reads nothing back. Where
 * that changes, say so by `moved`.
 */
export class Repeated {
  readonly #device: string;
  readonly #work: () => Tensor;
  #times = 0;
  #recording: Recording | undefined;

  constructor(device: string, work: () => Tensor) {
    this.#device = device;
    this.#work = work;
  }

  /**
   * Does the work once. The result is that of the caller's scope, or valid until the next call. The first time after a move runs as it
   * stands, which also lets libraries prepare themselves; the second is recorded.
   */
  run(): Tensor {
    if (!native.recordsGraphs(this.#device)) return this.#work();
    if (this.#times++ === 0) return this.#work();
    this.#recording ??= record(this.#device, this.#work);
    native.replayGraph(this.#recording.graph);
    return this.#recording.out;
  }

  /** Tensors of the work are others now, or elsewhere: what was recorded no longer holds. */
  moved(): void {
    this.#times = 0;
    if (!this.#recording) return;
    native.disposeGraph(this.#recording.graph);
    this.#recording.out.dispose();
    this.#recording = undefined;
  }
}

function record(device: string, work: () => Tensor): Recording {
  native.beginGraph(device);
  try {
    const out = keep(tidy(work));
    return { graph: native.endGraph(), out };
  } catch (error) {
    native.abandonGraph();
    throw error;
  }
}
