/** @file The mean of several checkpoints of one model: what late steps of training do by chance cancels out in it. */
import { cpSync } from "node:fs";
import { readModel } from "../models/architectures.ts";
import { add, mul } from "../torch/ops.ts";
import { noGrad, type Tensor, tidy } from "../torch/tensor.ts";
import { readWeights, writeWeights } from "./weights-io.ts";

/**
 * Writes a folder that is the last of `dirs` but for its parameters, each the mean of theirs. The mean is of float32, and
 * rounded to the type that the last is stored in.
 * @throws UserError when they are not all of the last one's architecture
 */
export function averageCheckpoints(dirs: readonly string[], out: string): void {
  const last = dirs.at(-1)!;
  const model = readModel(last);
  const read = dirs.map((dir) => readWeights(dir, model, "cpu"));
  const meanOf = (name: string): Tensor => {
    const sum = read.map(({ parameters }) => parameters.get(name)!).reduce((total, tensor) => add(total, tensor));
    return mul(sum, 1 / dirs.length);
  };
  // Files that are links, as in the hub's cache, become files: what is written next must not go through a link.
  cpSync(last, out, { recursive: true, dereference: true });
  const { parameters, layout } = read.at(-1)!;
  noGrad(() => tidy(() => writeWeights(out, model, parameters, layout, meanOf)));
  for (const { parameters } of read) for (const tensor of parameters.values()) tensor.dispose();
}
