/**
 * @file The near end of the line: calls go to the worker thread as messages, what comes back settles their promises. The
 * thread keeps the process alive only while somebody waits for it.
 */

import { SHARE_ENV, Worker } from "node:worker_threads";
import type { Prompt } from "../records.ts";
import { EngineDeath, messageOf } from "../util/errors.ts";
import { errorOf } from "../util/failure.ts";
import type { Cancellable } from "../util/interruptible.ts";

import type { CallOf, Event, Reply, Request, Results, Verb } from "./messages.ts";
import { ImageSender } from "./sent-images.ts";

export interface CallOptions extends Cancellable {
  readonly prompts?: readonly Prompt[];
  readonly onEvent?: (event: Event) => void;
  /** Whether the process must not end before the answer. Default true. */
  readonly awaited?: boolean;
}

/** A call that the worker has not answered yet. */
interface Pending {
  readonly onEvent: ((event: Event) => void) | undefined;
  readonly resolve: (result: Results[Verb]) => void;
  readonly reject: (error: unknown) => void;
  /** Shared with the worker; not 0 when it is to end the call. */
  readonly cancelled: Int32Array;
}

export class EngineThread {
  static #shared: EngineThread | undefined;

  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  readonly #images = new ImageSender();
  /** Calls that were given up and still run, to the next place where the worker asks. */
  readonly #abandoned = new Set<number>();
  #calls = 0;
  #engines = 0;
  #awaited = 0;
  #death: EngineDeath | undefined;
  /** Calls made just now, which go together: those of one request then join the batch in the same turn, and share what they have in common. */
  #unsent: Request[] = [];
  #fresh: ArrayBuffer[] = [];

  /** The one of this process: the native library has one state for all engines, and is not safe to use from two threads. */
  static shared(): EngineThread {
    if (!EngineThread.#shared || EngineThread.#shared.#death) EngineThread.#shared = new EngineThread();
    return EngineThread.#shared;
  }

  /** `entry` is what the thread runs: it calls `host`. */
  constructor(entry: URL = new URL("worker.mjs", import.meta.url)) {
    // What teaches this thread TypeScript is not repeated in the other. libtorch reads the environment of the process itself.
    this.#worker = new Worker(entry, { execArgv: [], env: SHARE_ENV });
    this.#worker.on("message", (reply: Reply) => this.#receive(reply));
    this.#worker.on("error", (error) => this.#die(error));
    this.#worker.on("exit", (code) => this.#die(new Error(`it exited with code ${code}`)));
    // After the listeners, the first of which would keep the process alive again.
    this.#worker.unref();
  }

  /** Why it has ended, and all its engines with it; undefined while it lives. */
  get death(): EngineDeath | undefined {
    return this.#death;
  }

  /** A number for a new engine. */
  number(): number {
    return this.#engines++;
  }

  /** Whether a call that was given up still runs. */
  get lagging(): boolean {
    return this.#abandoned.size > 0;
  }

  /**
   * Has a verb carried out. @throws what it throws there, UserError and Interrupted as such; the signal's reason, at once, when
   * it fires; UserError when the thread has ended
   */
  async call<V extends Verb>(
    engine: number,
    call: CallOf<V>,
    { prompts, signal, onEvent, awaited = true }: CallOptions = {},
  ): Promise<Results[V]> {
    if (this.#death) throw this.#death;
    signal?.throwIfAborted();
    const id = this.#calls++;
    const cancelled = new Int32Array(new SharedArrayBuffer(4));
    const onAbort = () => this.#giveUp(id, signal!.reason);
    signal?.addEventListener("abort", onAbort);
    if (awaited) this.#wait(1);
    try {
      return (await new Promise<Results[Verb]>((resolve, reject) => {
        this.#pending.set(id, { onEvent, resolve, reject, cancelled });
        const sent = prompts && this.#images.pack(prompts);
        const request: Request = { id, engine, call, prompts: sent, cancelled };
        this.#send(request);
      })) as Results[V];
    } finally {
      signal?.removeEventListener("abort", onAbort);
      if (awaited) this.#wait(-1);
    }
  }

  #send(request: Request): void {
    if (this.#unsent.length === 0) queueMicrotask(() => this.#flush());
    this.#unsent.push(request);
    for (const { pixels } of request.prompts?.fresh.values() ?? []) this.#fresh.push(pixels.buffer as ArrayBuffer);
  }

  #flush(): void {
    this.#worker.postMessage(this.#unsent, this.#fresh);
    [this.#unsent, this.#fresh] = [[], []];
  }

  #wait(change: number): void {
    this.#awaited += change;
    if (this.#awaited > 0) this.#worker.ref();
    else this.#worker.unref();
  }

  #receive(reply: Reply): void {
    const pending = this.#pending.get(reply.id);
    if ("event" in reply) {
      try {
        pending?.onEvent?.(reply.event);
      } catch (error) {
        this.#giveUp(reply.id, error);
      }
      return;
    }
    this.#abandoned.delete(reply.id);
    this.#pending.delete(reply.id);
    if ("failure" in reply) pending?.reject(errorOf(reply.failure));
    else pending?.resolve(reply.result);
  }

  /** Ends a call by an error without waiting for the worker, which is told. */
  #giveUp(id: number, error: unknown): void {
    const pending = this.#pending.get(id);
    if (!pending) return;
    Atomics.store(pending.cancelled, 0, 1);
    this.#abandoned.add(id);
    this.#pending.delete(id);
    pending.reject(error);
  }

  #die(error: Error): void {
    this.#death ??= new EngineDeath(
      `The engine's thread has ended: ${messageOf(error)}`,
      "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY"
        ? "Give JavaScript more memory, e.g. NODE_OPTIONS=--max-old-space-size=8192, or lower prompts_per_step, group_size or max_tokens."
        : "What was saved is whole: go on from there with --resume.",
    );
    this.#abandoned.clear();
    for (const { reject } of this.#pending.values()) reject(this.#death);
    this.#pending.clear();
  }
}
