/** @file What crosses the line between an engine in its worker thread and those who use it: plain data, never a native handle. */
import type { World } from "../distributed/ranks.ts";
import type { BatchSize, Loss } from "../objective/loss.ts";
import type { Completion } from "../records.ts";
import type { Failure } from "../util/failure.ts";
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
  | {
      readonly verb: "join";
      readonly world: World;
      readonly device: string;
      readonly timeout: number;
      /** Rank 0's, for all. */
      readonly announcement: string | undefined;
    }
  | { readonly verb: "memory"; readonly workload: Workload }
  | { readonly verb: "rehearse"; readonly workload: Workload; readonly loss: Loss }
  | { readonly verb: "sample"; readonly options: Sampling; readonly hears: readonly Event["kind"][] }
  | { readonly verb: "stream"; readonly options: Streaming }
  | {
      readonly verb: "score";
      readonly who: "policy" | "reference";
      readonly completions: readonly (readonly (readonly number[])[])[];
    }
  | {
      readonly verb: "forwardBackward";
      readonly items: readonly (readonly TrainItem[])[];
      readonly loss: Loss;
      readonly whole: BatchSize | undefined;
    }
  | {
      readonly verb: "attentionTo";
      readonly places: readonly (readonly number[])[];
      readonly ids: readonly number[];
    }
  | { readonly verb: "step"; readonly options: StepOptions }
  | { readonly verb: "save" | "load"; readonly dir: string }
  | { readonly verb: "export"; readonly dir: string; readonly merge: boolean }
  | { readonly verb: "dropGradient" | "dispose" };

export type Verb = Call["verb"];
export type CallOf<V extends Verb> = Call & { readonly verb: V };

export interface Results {
  readonly open: EngineDescription;
  readonly room: Room;
  readonly join: string;
  readonly memory: MemoryEstimate;
  readonly rehearse: undefined;
  readonly sample: Completion[][];
  readonly stream: Completion;
  readonly score: number[][][];
  readonly forwardBackward: BackwardResult;
  readonly dropGradient: undefined;
  readonly attentionTo: number[][][];
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
