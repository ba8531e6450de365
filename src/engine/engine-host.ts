/**
 * @file The worker thread that computes: it holds the engines and carries out the calls that come for them, one after another;
 * completions that are streamed take turns, and between two turns calls come in. Nothing else touches the native library while an engine is open, whose state is one for the process.
 */

import { parentPort } from "node:worker_threads";
import { ProcessGroup } from "../distributed/process-group.ts";
import type { Prompt } from "../records.ts";
import { OutOfMemory } from "../util/errors.ts";
import { failureOf } from "../util/failure.ts";
import type { Cancellation } from "../util/interruptible.ts";
import { resolveDevice, roomOf } from "./device.ts";
import { LocalEngine } from "./local.ts";
import type { CallOf, Event, Reply, Request, Results, Verb } from "./messages.ts";
import { isOutOfMemory } from "./out-of-memory.ts";
import { ImageReceiver } from "./sent-images.ts";

/** What a verb finds beside its arguments. */
interface Context {
  readonly prompts: readonly Prompt[];
  readonly signal: Cancellation;
  readonly tell: (event: Event) => void;
}

type Verbs = {
  readonly [V in Exclude<Verb, "room" | "join" | "open" | "stream" | "dispose">]: (
    engine: LocalEngine,
    call: CallOf<V>,
    context: Context,
  ) => Results[V];
};

const verbs: Verbs = {
  memory: (engine, { workload }) => engine.memory(workload),
  rehearse: (engine, { workload, loss }, { prompts }) => void engine.rehearse(prompts[0]!, workload, loss),
  sample: (engine, { options, hears }, { prompts, signal, tell }) =>
    engine.sample(prompts, {
      ...options,
      signal,
      onProgress: hears.includes("progress") ? (done) => tell({ kind: "progress", done }) : undefined,
      onGroup: hears.includes("group")
        ? (prompt, completions) => tell({ kind: "group", prompt, completions })
        : undefined,
    }),
  score: (engine, { who, completions }, { prompts, signal }) =>
    engine.score(
      who,
      prompts.map((prompt, g) => ({ prompt, completions: completions[g]! })),
      { signal },
    ),
  forwardBackward: (engine, { items, loss, whole }, { prompts, signal }) =>
    engine.forwardBackward(
      prompts.map((prompt, g) => ({ prompt, items: items[g]! })),
      loss,
      { signal, whole },
    ),
  dropGradient: (engine) => void engine.dropGradient(),
  attentionTo: (engine, { places, ids }, { prompts }) => engine.attentionTo(places, prompts[0]!, ids),
  step: (engine, { options }) => {
    const metrics = engine.step(options);
    return { metrics, still: engine.still };
  },
  save: (engine, { dir }, { signal }) => void engine.save(dir, { signal }),
  load: (engine, { dir }) => void engine.load(dir),
  export: (engine, { dir, merge }, { signal }) => void engine.export(dir, { merge, signal }),
};

/** Answers the calls that come through this thread's port. `open` makes an engine. */
export function host(open: (call: CallOf<"open">, group: ProcessGroup | undefined) => LocalEngine): void {
  const port = parentPort!;
  const engines = new Map<number, LocalEngine>();
  const images = new ImageReceiver();

  const turns = new Turns();
  /** The processes that this one trains with. */
  let group: ProcessGroup | undefined;

  /** Gives `undefined` where the answer comes later. */
  function carryOut(request: Request, prompts: readonly Prompt[]): { readonly result: Results[Verb] } | undefined {
    const { id, engine: number, call, cancelled } = request;
    const signal = {
      throwIfAborted: () => {
        if (Atomics.load(cancelled, 0) !== 0) throw new Error("cancelled");
      },
    };
    if (call.verb === "room") return { result: roomOf(call.device, group?.world.localRank) };
    if (call.verb === "join") {
      const { world, timeout, announcement } = call;
      const device = resolveDevice(call.device, world.localRank);
      const joined = ProcessGroup.join(world, { device, timeout, announcement, signal });
      group = joined.group;
      return { result: joined.announcement };
    }
    if (call.verb === "open") {
      const engine = open(call, group);
      engines.set(number, engine);
      return { result: engine.describe() };
    }
    const engine = engines.get(number);
    if (call.verb === "dispose") {
      engines.delete(number);
      return { result: void engine?.dispose() };
    }
    if (!engine) throw new Error(`${call.verb}: this engine is disposed.`);
    const tell = (event: Event) => port.postMessage({ id, event } satisfies Reply);
    if (call.verb === "stream") {
      engine.stream({
        prompt: prompts[0]!,
        options: call.options,
        signal,
        onToken: (token) => tell({ kind: "token", token }),
        onEnd: (result) => port.postMessage({ id, result } satisfies Reply),
        onError: (error) => fail(id, error),
      });
      turns.begin(engine);
      return undefined;
    }
    turns.finish(engine);
    const verb = verbs[call.verb] as (engine: LocalEngine, call: Request["call"], context: Context) => Results[Verb];
    return { result: verb(engine, call, { prompts, signal, tell }) };
  }

  function fail(id: number, error: unknown): void {
    port.postMessage({ id, failure: failureOf(isOutOfMemory(error) ? outOfMemory(error) : error) } satisfies Reply);
  }

  function answer(request: Request): void {
    const { id, prompts } = request;
    try {
      const answered = carryOut(request, prompts ? images.unpack(prompts) : []);
      if (answered) port.postMessage({ id, ...answered } satisfies Reply);
    } catch (error) {
      fail(id, error);
    }
  }

  port.on("message", (requests: readonly Request[]) => {
    for (const request of requests) answer(request);
  });
}

/** The engines that stream: a token each in turn, and between two turns this thread hears what comes. */
class Turns {
  readonly #streaming = new Set<LocalEngine>();
  #isScheduled = false;

  begin(engine: LocalEngine): void {
    this.#streaming.add(engine);
    this.#schedule();
  }

  /** Lets an engine's streams come to their ends, before it does something else. */
  finish(engine: LocalEngine): void {
    if (this.#streaming.delete(engine)) while (engine.turn());
  }

  #schedule(): void {
    if (this.#isScheduled || this.#streaming.size === 0) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      for (const engine of this.#streaming) if (!engine.turn()) this.#streaming.delete(engine);
      this.#schedule();
    });
  }
}

function outOfMemory({ message }: Error): OutOfMemory {
  return new OutOfMemory(
    `There is not enough memory: ${message.split("\n")[0]}`,
    "Lower micro_batch_tokens, group_size or max_tokens, or use activation_checkpointing, offload, freeze or lora.",
  );
}

/** What `worker.mjs` runs. */
export function start(): void {
  host(({ dir, options }, group) => new LocalEngine(dir, options, group));
}
