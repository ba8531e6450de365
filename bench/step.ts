/**
 * @file Seconds a GRPO step takes here, measured as `bench/trl/trl_step.py` measures TRL's: completions of exactly C
 * tokens in groups of 4 about one 168x168 picture each, policy and reference scored, one AdamW update of everything.
 *
 *     npx tsx bench/step.ts MODEL_DIR [--completions 16] [--tokens 64] [--steps 5] [--precision auto] [--peer PYTHON]
 *
 * With `--peer`, a Python that has TRL, the peer runs right after on the same checkpoint, and the ratio is printed: only
 * ratios of one run mean anything on a shared machine.
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { LocalEngine } from "../src/engine/local.ts";
import { Processor } from "../src/prompt/prompt.ts";
import type { Precision } from "../src/torch/precision.ts";
import { stream } from "../src/util/random.ts";

const GROUP = 4;
const SIDE = 168;
const QUESTION =
  "\nQuestion: How many discs are in the picture? First write your thoughts between <think> and </think>, with the " +
  "coordinates you need as JSON under the key 'bbox_2d'. Look again between <rethink> and </rethink>, then give the " +
  "answer after <answer>.";

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
const completions = Number(values.completions);
const tokens = Number(values.tokens);

/** Four discs on a grey ground. */
function picture(seed: number): { width: number; height: number; rgb: Uint8Array } {
  const random = stream(seed, "bench");
  const rgb = new Uint8Array(SIDE * SIDE * 3).fill(random.int(0, 255));
  for (let disc = 0; disc < 4; disc++) {
    const [cx, cy] = [random.int(13, SIDE - 14), random.int(13, SIDE - 14)];
    const colour = [random.int(0, 255), random.int(0, 255), 0];
    for (let y = cy - 12; y <= cy + 12; y++)
      for (let x = cx - 12; x <= cx + 12; x++)
        if ((x - cx) ** 2 + (y - cy) ** 2 <= 156) rgb.set(colour, (y * SIDE + x) * 3);
  }
  return { width: SIDE, height: SIDE, rgb };
}

// Every completion has exactly the same length: the peer suppresses special tokens too.
const unending = Processor.load(dir, { unending: true });
const engine = new LocalEngine(dir, {
  reference: true,
  precision: values.precision as Precision,
  processor: unending,
});
const loss = {
  kind: "grpo",
  form: "on_policy",
  epsilonLow: 0.2,
  epsilonHigh: 0.2,
  beta: 0.01,
  normalize: "sequence",
  maxTokens: tokens,
} as const;
const seconds: number[] = [];
for (let step = 0; step <= Number(values.steps); step++) {
  const started = performance.now();
  const prompts = await Promise.all(
    Array.from({ length: completions / GROUP }, (_, i) =>
      unending.promptFrom({ images: [picture(step * 100 + i)], text: QUESTION }),
    ),
  );
  const sampled = await engine.sample(prompts, { n: GROUP, maxTokens: tokens, temperature: 0.9, seed: step });
  const groups = prompts.map((prompt, g) => ({ prompt, completions: sampled[g]!.map(({ ids }) => ids) }));
  const references = engine.score("reference", groups);
  engine.forwardBackward(
    groups.map(({ prompt, completions }, g) => ({
      prompt,
      items: completions.map((ids, k) => ({ ids, advantage: k - 1.5, referenceLogprobs: references[g]![k]! })),
    })),
    loss,
  );
  engine.step({ lr: 2e-6, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, clipNorm: 1 });
  seconds.push((performance.now() - started) / 1000);
}
engine.dispose();
const counted = seconds.slice(1).sort((a, b) => a - b);
const median = counted[Math.floor(counted.length / 2)]!;
const ours = { median_step_s: median, tokens_per_s: (completions * tokens) / median };
console.log(JSON.stringify({ grit: ours, completions, tokens, precision: engine.precision }));

if (values.peer) {
  const script = fileURLToPath(new URL("trl/trl_step.py", import.meta.url));
  const args = [
    script,
    dir,
    "--completions",
    values.completions,
    "--tokens",
    values.tokens,
    "--steps",
    values.steps,
    "--dtype",
    engine.precision,
  ];
  const out = execFileSync(values.peer, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  const peer = JSON.parse(out.trim().split("\n").at(-1)!) as typeof ours;
  console.log(JSON.stringify({ trl: { median_step_s: peer.median_step_s, tokens_per_s: peer.tokens_per_s } }));
  console.log(`steps are ${(peer.median_step_s / median).toFixed(2)} times as fast as TRL's`);
}
