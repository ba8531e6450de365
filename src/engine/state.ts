/** @file The training state in a folder: trained parameters and moments as float32, and how many updates they have seen. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { readTensor } from "../checkpoint/read-tensor.ts";
import { cast, copy_, lt, sum } from "../torch/ops.ts";
import { bytesOf, SafetensorsFile, writeSafetensors } from "../torch/safetensors.ts";
import { noGrad, type Tensor, tidy } from "../torch/tensor.ts";
import { UserError } from "../util/errors.ts";
import { needRoom } from "../util/files.ts";
import type { Cancellation } from "../util/interruptible.ts";
import type { Masters } from "./masters.ts";
import type { AdamW } from "./optimizer.ts";
import type { Parameter } from "./policy.ts";

const FILE = "state.safetensors";
const SQUARE = ".square";

/** A tensor of the state. */
interface Kept {
  /** The parameter that it is of. */
  readonly parameter: string;
  readonly shape: readonly number[];
  /** What of it this process keeps. */
  readonly own: Tensor | undefined;
}

/** All tensors of the state, by their names in the file. */
function tensorsOf(trainable: readonly Parameter[], masters: Masters, optimizer: AdamW): Map<string, Kept> {
  const own = new Map([
    ...masters.own.map(({ name, tensor }) => [name, tensor] as const),
    ...optimizer.state().tensors,
  ]);
  const kept = (name: string, { shape }: Tensor, suffix: string) =>
    [name + suffix, { parameter: name, shape, own: own.get(name + suffix) }] as const;
  return new Map([
    ...trainable.map(([name, tensor]) => kept(name, tensor, "")),
    ...trainable.flatMap(([name, tensor]) => [".mean", SQUARE].map((suffix) => kept(name, tensor, suffix))),
  ]);
}

/**
 * Of processes that train together all call it, and the first writes.
 * @throws what the signal throws, asked before each tensor; the folder is then to be thrown away
 */
export function saveState(
  dir: string,
  trainable: readonly Parameter[],
  masters: Masters,
  optimizer: AdamW,
  signal: Cancellation | undefined,
): void {
  const all = tensorsOf(trainable, masters, optimizer);
  const infos = [...all].map(([name, { shape }]) => ({ name, dtype: "float32" as const, shape }));
  const values = ({ name }: { readonly name: string }) => {
    signal?.throwIfAborted();
    const { parameter, own } = all.get(name)!;
    return masters.gathered(parameter, own);
  };
  if (!masters.writes) {
    for (const info of infos) tidy(() => void values(info));
    return;
  }
  needRoom(dir, bytesOf(infos), "the training state");
  mkdirSync(dir, { recursive: true });
  writeSafetensors(join(dir, FILE), infos, values, { steps: String(optimizer.steps) });
}

/** @throws UserError when the folder holds the state of another run, or values that no training leaves */
export function loadState(dir: string, trainable: readonly Parameter[], masters: Masters, optimizer: AdamW): void {
  const all = tensorsOf(trainable, masters, optimizer);
  const file = new SafetensorsFile(join(dir, FILE));
  const missing = new Set(all.keys());
  const remedy = "Resume with the recipe the run was started with.";
  noGrad(() => {
    for (const entry of file.entries) {
      const kept = all.get(entry.name);
      if (kept?.shape.join() !== entry.shape.join())
        throw new UserError(
          `${file.path} has the tensor ${entry.name} [${entry.shape}], which this run does not train.`,
          remedy,
        );
      tidy(() => {
        const values = readTensor(file, entry, entry.dtype, "cpu");
        // AdamW takes its root: a negative one would make the parameter NaN.
        if (entry.name.endsWith(SQUARE) && sum(cast(lt(values, 0), "int64")).item() > 0)
          throw new UserError(
            `${file.path}: ${entry.name} has negative values, which a mean of squares cannot have: the file is damaged.`,
            "Go back to an earlier checkpoint: remove this one and resume.",
          );
        if (kept.own) copy_(kept.own, masters.stretch(kept.parameter, values)!);
      });
      missing.delete(entry.name);
    }
  });
  if (missing.size) throw new UserError(`${file.path} lacks ${[...missing].slice(0, 3).join(", ")}.`, remedy);
  optimizer.setSteps(updatesOf(file));
  masters.publish();
}

/**
 * How many updates the training state in a folder has seen, those left out not counted. Only the file's header is read.
 * @throws UserError when there is no such file, or it does not say so
 */
export function updatesIn(dir: string): number {
  return updatesOf(new SafetensorsFile(join(dir, FILE)));
}

function updatesOf({ metadata, path }: SafetensorsFile): number {
  const written = metadata?.steps;
  const steps = /^\d+$/.test(written ?? "") ? Number(written) : Number.NaN;
  if (!Number.isSafeInteger(steps))
    throw new UserError(
      `${path} does not say how many updates it has seen.`,
      "Resume from a checkpoint that was written here.",
    );
  return steps;
}
