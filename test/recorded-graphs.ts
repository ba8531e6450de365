/**
 * @file A processor that records graphs as a GPU does, for tests. What is asked of it while it records has no effect; a replay asks the
 * same operators for the same tensors again, and what they give goes where the recording's results lie.
 */
import { type Handle, type Native, type NativeValue, native } from "../src/torch/native.ts";

interface Call {
  readonly op: number;
  readonly args: readonly NativeValue[];
  readonly results: readonly Handle[];
}

interface Graph {
  readonly calls: Call[];
  /** What was disposed of while it was recorded, and lives on with it. */
  readonly held: Handle[];
}

/** Everything that would make the host wait for the device, or send it values. */
const FORBIDDEN = ["fromBytes", "intoBytes", "getBytes", "putBytes", "item", "backward"] as const;

export class RecordedGraphs {
  /** Graphs recorded, and replays, so far. */
  recorded = 0;
  replayed = 0;
  readonly #before: Native;
  readonly #graphs = new Map<number, Graph>();

  /** From now on, until it is disposed of. */
  constructor() {
    native.version();
    this.#before = { ...native };
    const { call, dispose, find, returns, shape } = this.#before;
    const [clone, copy] = [find("aten::clone", ""), find("aten::copy_", "")];
    const resultsOf = (op: number, result: NativeValue): Handle[] => {
      const kinds = [...returns(op)];
      const parts = kinds.length === 1 ? [result] : (result as NativeValue[]);
      return kinds.flatMap((kind, i) => (kind === "V" ? [] : ([parts[i]].flat() as Handle[])));
    };
    const isTensor = (value: NativeValue): value is Handle => {
      try {
        return typeof value === "number" && shape(value) !== undefined;
      } catch {
        return false;
      }
    };
    let open: Graph | undefined;
    /** Tensors from before the recording, with copies of what they hold. */
    const outer = new Map<Handle, Handle>();
    const inner = new Set<Handle>();
    const end = () => {
      if (!open) throw new Error("Nothing is being recorded.");
      for (const [handle, value] of outer) {
        dispose(call(copy, handle, value) as Handle);
        dispose(value);
      }
      outer.clear();
      inner.clear();
      const graph = open;
      open = undefined;
      return graph;
    };
    const forget = ({ calls, held }: Graph) => {
      calls.length = 0;
      for (const handle of held.splice(0)) dispose(handle);
    };
    Object.assign(native, {
      recordsGraphs: () => true,
      beginGraph: () => {
        if (open) throw new Error("A graph is being recorded already.");
        open = { calls: [], held: [] };
      },
      endGraph: () => {
        this.#graphs.set(this.recorded, end());
        return this.recorded++;
      },
      abandonGraph: () => open && forget(end()),
      replayGraph: (index) => {
        this.replayed++;
        for (const { op, args, results } of this.#graphs.get(index)!.calls)
          for (const [i, made] of resultsOf(op, call(op, ...args)).entries()) {
            try {
              dispose(call(copy, results[i]!, made) as Handle);
            } catch (error) {
              // A view that repeats its elements has nowhere to copy to, and needs it as little as any other view.
              if (!/more than one element|single memory location/.test(String(error))) throw error;
            }
            dispose(made);
          }
      },
      disposeGraph: (index) => {
        forget(this.#graphs.get(index)!);
        this.#graphs.delete(index);
      },
      call: (op, ...args) => {
        if (!open) return call(op, ...args);
        // Any number that is a live tensor's counts as one: what is saved in vain does no harm.
        for (const value of args.flat(2)) {
          if (inner.has(value as Handle) || outer.has(value as Handle) || !isTensor(value)) continue;
          const copy = call(clone, value) as Handle;
          outer.set(value, copy);
          inner.add(copy);
        }
        const result = call(op, ...args);
        const results = resultsOf(op, result);
        for (const handle of results) inner.add(handle);
        open.calls.push({ op, args, results });
        return result;
      },
      dispose: (handle) => {
        if (open) open.held.push(handle);
        else dispose(handle);
      },
    } satisfies Partial<Native>);
    for (const name of FORBIDDEN) {
      const allowed = this.#before[name] as (...args: unknown[]) => unknown;
      Object.assign(native, {
        [name]: (...args: unknown[]) => {
          if (open) throw new Error(`${name} while a graph is being recorded.`);
          return allowed(...args);
        },
      });
    }
  }

  [Symbol.dispose](): void {
    Object.assign(native, this.#before);
  }
}
