/**
 * @file Seconds a GRPO step takes here, measured as `bench/trl/trl_step.py` measures TRL's: completions of exactly C
 * tokens in groups of 4 about one 168x168 picture each, policy and reference scored, one AdamW update of everything.
 *
 *     npx tsx bench/step.ts MODEL_DIR [--completions 16] [--tokens 64] [--steps 5] [--precision auto] [--peer PYTHON]
 *
 * With `--peer`, a Python that has TRL, the peer runs right after on the same checkpoint, and the ratio is printed: only
 * ratios of one run mean anything on a shared machine.
 */
import { parseArgs } from "node:util";
import { RemoteEngine } from "../src/engine/remote-engine.ts";
import type { Precision } from "../src/torch/precision.ts";
import { measurePeer, measureStep } from "./measure.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    completions: { type: "string", default: "16" },
    tokens: { type: "string", default: "64" },
    steps: { type: "string", default: "5" },
    precision: { type: "string", default: "auto" },
    peer: { type: "string" },
  },
});
const [dir] = positionals;
if (!dir) throw new Error("usage: npx tsx bench/step.ts MODEL_DIR [options]");
const plan = {
  completions: Number(values.completions),
  tokens: Number(values.tokens),
  steps: Number(values.steps),
};
const options = { precision: values.precision as Precision, reference: true, unending: true };
const engine = await RemoteEngine.open(dir, options);
const { precision } = engine;
const { work, ...grit } = await measureStep(engine, plan);
await engine.dispose();
console.log(JSON.stringify({ grit, completions: plan.completions, tokens: plan.tokens, precision }));

if (values.peer) {
  const { median_step_s, tokens_per_s } = measurePeer(values.peer, dir, plan, precision);
  console.log(JSON.stringify({ trl: { median_step_s, tokens_per_s } }));
  console.log(`steps are ${(median_step_s / grit.median_step_s).toFixed(2)} times as fast as TRL's`);
}
