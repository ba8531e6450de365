/** @file An engine in the worker thread, as the thread that opened it sees it: the process stays awake while it computes. */

import type { Loss } from "../objective/loss.ts";
import { Processor } from "../prompt/prompt.ts";
import type { Completion, ImageInput, Prompt } from "../records.ts";
import type { Cancellable } from "../util/interruptible.ts";
import type {
  BackwardOptions,
  BackwardResult,
  Engine,
  EngineDescription,
  EngineOptions,
  SampleOptions,
  ScoreGroup,
  StepMetrics,
  StepOptions,
  StreamOptions,
  TrainGroup,
} from "./engine.ts";
import { type CallOptions, EngineThread } from "./engine-thread.ts";
import { ImageThread } from "./image-thread.ts";
import type { MemoryEstimate, Workload } from "./memory.ts";
import type { CallOf, Event, Results, Verb } from "./messages.ts";

export class RemoteEngine implements Engine {
  readonly processor: Processor;
  readonly #thread: EngineThread;
  readonly #number: number;
  readonly #description: EngineDescription;
  readonly #imageThread: ImageThread;
  #still: EngineDescription["still"];

  private constructor(
    thread: EngineThread,
    number: number,
    description: EngineDescription,
    processor: Processor,
    imageThread: ImageThread,
  ) {
    this.processor = processor;
    this.#imageThread = imageThread;
    this.#thread = thread;
    this.#number = number;
    this.#description = description;
    this.#still = description.still;
  }

  /**
   * Opens a checkpoint folder in Hugging Face layout, or a PEFT adapter's and the base it names.
   * @throws UserError when it is none that this engine can run, or its files contradict each other; the signal's reason
   */
  static async open(
    dir: string,
    options: EngineOptions = {},
    { signal, thread = EngineThread.shared() }: Cancellable & { readonly thread?: EngineThread } = {},
  ): Promise<RemoteEngine> {
    const number = thread.number();
    try {
      const description = await thread.call(number, { verb: "open", dir, options }, { signal });
      return new RemoteEngine(
        thread,
        number,
        description,
        Processor.load(description.dir, { ...options.image, unending: options.unending ?? false }),
        new ImageThread(description.dir, options.image ?? {}),
      );
    } catch (error) {
      // It may be opened all the same, after the signal.
      thread.call(number, { verb: "dispose" }, { awaited: false }).catch(() => {});
      throw error;
    }
  }

  get dir() {
    return this.#description.dir;
  }

  get device() {
    return this.#description.device;
  }

  get precision() {
    return this.#description.precision;
  }

  get vocabulary() {
    return this.#description.vocabulary;
  }

  get parameters() {
    return this.#description.parameters;
  }

  get machine() {
    return this.#description.machine;
  }

  get libtorch() {
    return this.#description.libtorch;
  }

  get computing() {
    return this.#description.computing;
  }

  get still() {
    return this.#still;
  }

  get death() {
    return this.#thread.death;
  }

  image(bytes: Uint8Array): Promise<ImageInput> {
    return this.#imageThread.read(bytes);
  }

  memory(workload: Workload): Promise<MemoryEstimate> {
    return this.#call({ verb: "memory", workload });
  }

  rehearse(prompt: Prompt, workload: Workload, loss: Loss): Promise<void> {
    return this.#call({ verb: "rehearse", workload, loss }, { prompts: [prompt] });
  }

  sample(
    prompts: readonly Prompt[],
    { signal, onProgress, onGroup, ...options }: SampleOptions,
  ): Promise<Completion[][]> {
    const onEvent = (event: Event) => {
      if (event.kind === "progress") onProgress?.(event.done);
      if (event.kind === "group") onGroup?.(event.prompt, event.completions);
    };
    const hears = [...(onProgress ? ["progress" as const] : []), ...(onGroup ? ["group" as const] : [])];
    return this.#call({ verb: "sample", options, hears }, { prompts, signal, onEvent });
  }

  stream(prompt: Prompt, { signal, onToken, ...options }: StreamOptions): Promise<Completion> {
    const onEvent = (event: Event) => {
      if (event.kind === "token") onToken?.(event.token);
    };
    return this.#call({ verb: "stream", options }, { prompts: [prompt], signal, onEvent });
  }

  score(
    who: "policy" | "reference",
    groups: readonly ScoreGroup[],
    { signal }: Cancellable = {},
  ): Promise<number[][][]> {
    const completions = groups.map((group) => group.completions);
    return this.#call({ verb: "score", who, completions }, { prompts: promptsOf(groups), signal });
  }

  async forwardBackward(
    groups: readonly TrainGroup[],
    loss: Loss,
    { signal, whole }: BackwardOptions = {},
  ): Promise<BackwardResult> {
    const items = groups.map((group) => group.items);
    try {
      return await this.#call({ verb: "forwardBackward", items, loss, whole }, { prompts: promptsOf(groups), signal });
    } catch (error) {
      // A call that was given up may come to its end all the same.
      this.#call({ verb: "dropGradient" }, { awaited: false }).catch(() => {});
      throw error;
    }
  }

  attentionTo(
    places: readonly (readonly number[])[],
    prompt: Prompt,
    ids: readonly number[],
    { signal }: Cancellable = {},
  ): Promise<number[][][]> {
    return this.#call({ verb: "attentionTo", places, ids }, { prompts: [prompt], signal });
  }

  async step({ signal, ...options }: StepOptions & Cancellable): Promise<StepMetrics> {
    const { metrics, still } = await this.#call({ verb: "step", options }, { signal });
    this.#still = still;
    return metrics;
  }

  save(dir: string, { signal }: Cancellable = {}): Promise<void> {
    return this.#call({ verb: "save", dir }, { signal });
  }

  load(dir: string): Promise<void> {
    return this.#call({ verb: "load", dir });
  }

  export(dir: string, { merge = false, signal }: Cancellable & { readonly merge?: boolean } = {}): Promise<void> {
    return this.#call({ verb: "export", dir, merge }, { signal });
  }

  /** Where a call was given up, the engine is freed when the worker has noticed; nobody waits for that. */
  async dispose(): Promise<void> {
    await this.#imageThread.close();
    if (this.death) return;
    const awaited = !this.#thread.lagging;
    const freed = this.#call({ verb: "dispose" }, { awaited });
    if (awaited) await freed;
    else freed.catch(() => {});
  }

  #call<V extends Verb>(call: CallOf<V>, options?: CallOptions): Promise<Results[V]> {
    return this.#thread.call(this.#number, call, options);
  }
}

function promptsOf(groups: readonly { readonly prompt: Prompt }[]): Prompt[] {
  return groups.map(({ prompt }) => prompt);
}
