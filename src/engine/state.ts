/** @file The training state in a folder: trained parameters and moments as float32, and how many updates they have seen. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { readTensor } from "../checkpoint/read-tensor.ts";
import { cast, copy_, lt, sum } from "../torch/ops.ts";
import { bytesOf, SafetensorsFile, writeSafetensors } from "../torch/safetensors.ts";
import { noGrad, tidy } from "../torch/tensor.ts";
import { UserError } from "../util/errors.ts";
import { needRoom } from "../util/files.ts";
import type { Cancellation } from "../util/interruptible.ts";
import type { AdamW } from "./optimizer.ts";
import type { Parameter } from "./policy.ts";

const FILE = "state.safetensors";

/** @throws what the signal throws, asked before each tensor; the folder is then to be thrown away */
export function saveState(
  dir: string,
  trainable: readonly Parameter[],
  optimizer: AdamW,
  signal: Cancellation | undefined,
): void {
  const { steps, tensors } = optimizer.state();
  const all = new Map([...trainable, ...tensors]);
  const infos = [...all].map(([name, { shape }]) => ({ name, dtype: "float32" as const, shape }));
  needRoom(dir, bytesOf(infos), "the training state");
  mkdirSync(dir, { recursive: true });
  const values = ({ name }: { readonly name: string }) => {
    signal?.throwIfAborted();
    return all.get(name)!;
  };
  writeSafetensors(join(dir, FILE), infos, values, { steps: String(steps) });
}

/** @throws UserError when the folder holds the state of another run, or values that no training leaves */
export function loadState(dir: string, trainable: readonly Parameter[], optimizer: AdamW): void {
  const { tensors: moments } = optimizer.state();
  const all = new Map([...trainable, ...moments]);
  const squares = new Set([...moments.keys()].filter((name) => name.endsWith(".square")));
  const file = new SafetensorsFile(join(dir, FILE));
  const missing = new Set(all.keys());
  const remedy = "Resume with the recipe the run was started with.";
  noGrad(() => {
    for (const entry of file.entries) {
      const tensor = all.get(entry.name);
      if (tensor?.shape.join() !== entry.shape.join())
        throw new UserError(
          `${file.path} has the tensor ${entry.name} [${entry.shape}], which this run does not train.`,
          remedy,
        );
      tidy(() => {
        const values = readTensor(file, entry, entry.dtype, "cpu");
        // AdamW takes its root: a negative one would make the parameter NaN.
        if (squares.has(entry.name) && sum(cast(lt(values, 0), "int64")).item() > 0)
          throw new UserError(
            `${file.path}: ${entry.name} has negative values, which a mean of squares cannot have: the file is damaged.`,
            "Go back to an earlier checkpoint: remove this one and resume.",
          );
        copy_(tensor, values);
      });
      missing.delete(entry.name);
    }
  });
  if (missing.size) throw new UserError(`${file.path} lacks ${[...missing].slice(0, 3).join(", ")}.`, remedy);
  const written = file.metadata?.steps;
  const steps = /^\d+$/.test(written ?? "") ? Number(written) : Number.NaN;
  if (!Number.isSafeInteger(steps))
    throw new UserError(
      `${file.path} does not say how many updates it has seen.`,
      "Resume from a checkpoint that was written here.",
    );
  optimizer.setSteps(steps);
}
