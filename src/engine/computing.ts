/** @file What an engine computes with, in words for the person who waits for it and as a record of the run. */
import { availableParallelism } from "node:os";
import { native } from "../torch/native.ts";
import { cast, Generator, linear, uniform_, zeros } from "../torch/ops.ts";
import type { ComputeType } from "../torch/precision.ts";
import { processor } from "../torch/processor.ts";
import { noGrad, tidy } from "../torch/tensor.ts";
import { threadNote } from "../torch/threads.ts";

/** What of an engine this is about. */
interface Computing {
  readonly device: string;
  readonly precision: ComputeType;
}

/** What numbers and times of a run depend on, for `run.json`. */
export interface MachineRecord {
  readonly device: string;
  readonly processor: string;
  readonly bfloat16: string;
  readonly cores: number;
  readonly threads: number;
}

export function machineRecord(device: string): MachineRecord {
  const { name, bfloat16 } = processor();
  return { device, processor: name, bfloat16, cores: availableParallelism(), threads: native.threads() };
}

/** One line on type, device and threads, and one more where bfloat16 is emulated. */
export function computingNote({ device, precision }: Computing): string {
  if (device !== "cpu") return `Computing in ${precision} on ${device}.`;
  const { name, bfloat16 } = processor();
  const has = {
    native: "has bfloat16 instructions",
    emulated: "has no bfloat16 instructions",
    unknown: "may have no bfloat16 instructions: its flags cannot be read",
  }[bfloat16];
  const note = `Computing in ${precision} on the CPU (${name}, which ${has}), ${threadNote(native.threads())}.`;
  if (precision !== "bfloat16" || bfloat16 === "native") return note;
  const factor = bfloat16Factor();
  if (factor < 1.5) return note;
  return `${note}\nwarning: bfloat16 is emulated here: a matrix product takes ${factor.toFixed(factor < 10 ? 1 : 0)} times as long as in float32. Use precision: auto, or float32.`;
}

/** How much longer a product of 256 x 256 matrices takes in bfloat16 than in float32: the best of three each. */
export function bfloat16Factor(): number {
  const seconds = (dtype: ComputeType) =>
    noGrad(() =>
      tidy(() => {
        using generator = new Generator(1);
        const square = cast(uniform_(zeros([256, 256]), -1, 1, generator), dtype);
        const times = Array.from({ length: 4 }, () => {
          const started = performance.now();
          linear(square, square).dispose();
          return performance.now() - started;
        });
        return Math.min(...times.slice(1));
      }),
    );
  return seconds("bfloat16") / seconds("float32");
}
