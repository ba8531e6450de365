/** @file What crosses the line between an engine in its worker thread and those who use it: plain data, never a native handle. */
import type { Loss } from "../objective/loss.ts";
import type { Completion } from "../records.ts";
import { Interrupted, OutOfMemory, UserError } from "../util/errors.ts";
import type { Room } from "./device.ts";
import type {
  BackwardResult,
  EngineDescription,
  EngineOptions,
  Sampling,
  StepMetrics,
  StepOptions,
  StreamedToken,
  Streaming,
  TrainItem,
} from "./engine.ts";
import type { MemoryEstimate, Workload } from "./memory.ts";
import type { SentPrompts } from "./sent-images.ts";

/** A verb with its arguments. Prompts come beside it: the groups of `score` and `forwardBackward` without theirs. */
export type Call =
  | { readonly verb: "open"; readonly dir: string; readonly options: EngineOptions }
  | { readonly verb: "room"; readonly device: string }
  | { readonly verb: "memory"; readonly workload: Workload }
  | { readonly verb: "rehearse"; readonly workload: Workload; readonly loss: Loss }
  | { readonly verb: "sample"; readonly options: Sampling; readonly hears: readonly Event["kind"][] }
  | { readonly verb: "stream"; readonly options: Streaming }
  | {
      readonly verb: "score";
      readonly who: "policy" | "reference";
      readonly completions: readonly (readonly (readonly number[])[])[];
    }
  | { readonly verb: "forwardBackward"; readonly items: readonly (readonly TrainItem[])[]; readonly loss: Loss }
  | { readonly verb: "imageAttention"; readonly ids: readonly number[] }
  | { readonly verb: "step"; readonly options: StepOptions }
  | { readonly verb: "save" | "load"; readonly dir: string }
  | { readonly verb: "export"; readonly dir: string; readonly merge: boolean }
  | { readonly verb: "dropGradient" | "dispose" };

export type Verb = Call["verb"];
export type CallOf<V extends Verb> = Call & { readonly verb: V };

export interface Results {
  readonly open: EngineDescription;
  readonly room: Room;
  readonly memory: MemoryEstimate;
  readonly rehearse: undefined;
  readonly sample: Completion[][];
  readonly stream: Completion;
  readonly score: number[][][];
  readonly forwardBackward: BackwardResult;
  readonly dropGradient: undefined;
  readonly imageAttention: number[][];
  readonly step: { readonly metrics: StepMetrics; readonly still: EngineDescription["still"] };
  readonly save: undefined;
  readonly load: undefined;
  readonly export: undefined;
  readonly dispose: undefined;
}

/** To the worker: a call of one of its engines. */
export interface Request {
  readonly id: number;
  readonly engine: number;
  readonly call: Call;
  readonly prompts: SentPrompts | undefined;
  /** Shared; not 0 when the call is to end. */
  readonly cancelled: Int32Array;
}

/** What is told while a call is carried out. */
export type Event =
  | { readonly kind: "progress"; readonly done: number }
  | { readonly kind: "group"; readonly prompt: number; readonly completions: readonly Completion[] }
  | { readonly kind: "token"; readonly token: StreamedToken };

/** From the worker. */
export type Reply = { readonly id: number } & (
  | { readonly event: Event }
  | { readonly result: Results[Verb] }
  | { readonly failure: Failure }
);

/** The errors whose class matters to who catches them. */
const CLASSES = { UserError, Interrupted, OutOfMemory, Error };

/** An error as it crosses: structured cloning would lose its class. */
export interface Failure {
  readonly kind: keyof typeof CLASSES;
  readonly message: string;
  readonly stack: string | undefined;
  /** Of a system error, e.g. `ENOSPC`. */
  readonly code: unknown;
}

export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { kind: "Error", message: String(error), stack: undefined, code: undefined };
  const { name, message, stack } = error;
  const kind = Object.hasOwn(CLASSES, name) ? (name as Failure["kind"]) : "Error";
  return { kind, message, stack, code: "code" in error ? error.code : undefined };
}

/** The error on this side. */
export function errorOf({ kind, message, stack, code }: Failure): Error {
  const error = new CLASSES[kind](message);
  if (stack !== undefined) error.stack = stack;
  return code === undefined ? error : Object.assign(error, { code });
}
