/**
 * @file `npm run bench`: the steps and the sampling that the project is measured by, on this machine's processor, as a table.
 *
 *     npm run bench [-- --peer PYTHON]
 *
 * Each row names the phases of a step, and how much it reaches of a step that did nothing but its matrix products, at this machine's
 * measured speed of products and memory. With `--peer`, a Python
 * that has TRL, every step runs there right after; only ratios of one run mean anything on a shared machine.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { bytesPer } from "../src/torch/dtype.ts";
import type { ComputeType } from "../src/torch/precision.ts";
import { processor } from "../src/torch/processor.ts";
import { table } from "../src/util/table.ts";
import {
  limitOf,
  matmulPeak,
  measurePeer,
  measureSampling,
  measureStep,
  openUnending,
  readBandwidth,
  type StepPlan,
} from "./measure.ts";
import { QWEN_0_4B, writeRandomCheckpoint } from "./random-checkpoint.ts";

const { values } = parseArgs({ options: { peer: { type: "string" } } });
const TINY = "models/grit-tiny-base";
const large = mkdtempSync(join(tmpdir(), "grit-bench-"));
try {
  const { name, bfloat16 } = processor();
  const types: ComputeType[] = bfloat16 === "native" ? ["float32", "bfloat16"] : ["float32"];
  const bandwidth = readBandwidth();
  const machines = new Map(types.map((type) => [type, { flops: matmulPeak(type), bandwidth }]));
  const told = [...machines].map(([type, { flops }]) => `${(flops / 1e12).toFixed(2)} TFLOP/s in ${type}`);
  console.log(`${name}: matrix products of ${told.join(", ")}; memory read at ${(bandwidth / 1e9).toFixed(1)} GB/s\n`);
  writeRandomCheckpoint(large, TINY, QWEN_0_4B);

  const rows = [];
  for (const precision of types) {
    rows.push(await stepRow("tiny base", TINY, precision, { completions: 32, tokens: 128, steps: 3 }));
    rows.push(await stepRow("0.4B shape", large, precision, { completions: 8, tokens: 64, steps: 2 }));
  }
  const phases = ["sample", "score", "train", "update"];
  console.log(table([["GRPO step", "type", "s", ...phases, "tokens/s", "of the limit", "TRL, s", "ratio"], ...rows]));

  const engine = openUnending(large, { precision: "float32" });
  const [one, eight] = [await measureSampling(engine, 1, 64, 448), await measureSampling(engine, 8, 64, 448)];
  await engine.dispose();
  console.log(
    `\n64 tokens about a picture of 256 tokens, 0.4B shape, float32: 1 completion ${one.toFixed(1)} s, ` +
      `8 completions ${eight.toFixed(1)} s, ${(eight / one).toFixed(2)} times as long`,
  );

  /** `of the limit`: of a step that did nothing but its matrix products, as fast as the machine can. */
  async function stepRow(shape: string, dir: string, precision: ComputeType, plan: StepPlan): Promise<string[]> {
    const engine = openUnending(dir, { precision });
    const ours = await measureStep(engine, plan);
    await engine.dispose();
    const limit = limitOf(ours.work, machines.get(precision)!, bytesPer[precision]);
    const peer = values.peer === undefined ? undefined : measurePeer(values.peer, dir, plan, precision);
    const { sample, score, train, update } = ours.phases_s;
    return [
      `${shape}, ${plan.completions} x ${plan.tokens}`,
      precision,
      ours.median_step_s.toFixed(2),
      ...[sample, score, train, update].map((seconds) => seconds.toFixed(2)),
      ours.tokens_per_s.toFixed(0),
      `${((100 * limit) / ours.median_step_s).toFixed(0)} %`,
      peer ? peer.median_step_s.toFixed(2) : "–",
      peer ? (peer.median_step_s / ours.median_step_s).toFixed(2) : "–",
    ];
  }
} finally {
  rmSync(large, { recursive: true });
}
