/**
 * @file What a card does, measured in under ten minutes: recorded numbers, a training broken off and resumed, and steps and decoding
 * at the exact shapes of Qwen2.5-VL-3B and InternVL3-2B with random weights. Prints a table for docs/measured.md. `run.sh` runs it.
 *
 *     node bench.mjs [--device cuda:0] [--small] [--minutes 9] [--only exact,resume,processes,qwen,internvl]
 *
 * `--small` takes small shapes in their place: a check of the script itself on a machine without a card.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ProcessGroup } from "../../src/distributed/process-group.ts";
import type { EngineOptions } from "../../src/engine/engine.ts";
import { LocalEngine } from "../../src/engine/local.ts";
import { native } from "../../src/torch/native.ts";
import { floats, toDevice } from "../../src/torch/ops.ts";
import type { ComputeType } from "../../src/torch/precision.ts";
import { tidy } from "../../src/torch/tensor.ts";
import { messageOf } from "../../src/util/errors.ts";
import { bytes } from "../../src/util/quantities.ts";
import { differenceIn, fusedCases } from "../../test/fused-operators.ts";
import { type Golden, goldenNames, loadGolden } from "../../test/golden/golden.ts";
import {
  flopsOf,
  learn,
  matmulPeak,
  measureSampling,
  measureStep,
  openUnending,
  picture,
  promptAbout,
  promptsOf,
  runStep,
} from "../measure.ts";
import { INTERNVL_2B, QWEN_0_4B, QWEN_3B, type Sizes, writeRandomCheckpoint } from "../random-checkpoint.ts";

const { values } = parseArgs({
  options: {
    device: { type: "string", default: "cuda:0" },
    small: { type: "boolean", default: false },
    minutes: { type: "string", default: "9" },
    only: { type: "string", default: "exact,resume,processes,qwen,internvl" },
  },
});
const { device, small } = values;
const deadline = performance.now() + 60_000 * Number(values.minutes);
const scratch = mkdtempSync(join(tmpdir(), "grit-gpu-"));

const row = (what: string, figure: string) => console.log(`| ${what} | ${figure} |`);
const seconds = (from: number) => `${((performance.now() - from) / 1000).toFixed(1)} s`;

/** A part of the run: what fails is a row too, and the rest goes on. */
async function part(key: string, name: string, work: () => Promise<void>): Promise<void> {
  if (!values.only.split(",").includes(key)) return;
  if (performance.now() > deadline) return row(name, "left out: no time");
  try {
    await work();
  } catch (error) {
    row(name, `FAILED: ${messageOf(error).replaceAll("\n", " ").slice(0, 600)}`);
    process.exitCode = 1;
  }
}

/** Largest gap between the log-probabilities of a golden checkpoint and what transformers recorded. */
async function goldenGap({ dir, prompts, array }: Golden, precision: ComputeType): Promise<number> {
  const engine = new LocalEngine(dir, { device, precision });
  try {
    const groups = prompts.map(({ input_ids, inputs, completion_ids }) => ({
      prompt: { ids: input_ids, images: inputs },
      completions: [completion_ids],
    }));
    const scored = await engine.score("policy", groups);
    const gaps = prompts.flatMap(({ name }, p) =>
      scored[p]![0]!.map((value, t) => Math.abs(value - array(`${name}/logprobs`).data[t]!)),
    );
    return Math.max(...gaps);
  } finally {
    await engine.dispose();
  }
}

/** The weights after 8 steps in one go, and in two with another engine after the fourth. */
async function resumed(dir: string): Promise<boolean> {
  const options: EngineOptions = { device, precision: "bfloat16" };
  const train = async (from: number, to: number, state: string, end: string) => {
    const engine = openUnending(dir, options);
    if (from > 0) await engine.load(state);
    for (let step = from; step < to; step++) await runStep(engine, { completions: 8, tokens: 24 }, step);
    await (to === 8 ? engine.export(end) : engine.save(state));
    await engine.dispose();
  };
  const [state, whole, pieces] = ["state", "whole", "pieces"].map((name) => join(scratch, name)) as [
    string,
    string,
    string,
  ];
  await train(0, 8, state, whole);
  await train(0, 4, state, pieces);
  await train(4, 8, state, pieces);
  const weights = (folder: string) => readFileSync(join(folder, "model.safetensors"));
  return weights(whole).equals(weights(pieces));
}

/** A team of one: the collectives that several processes use, each of which leaves a lone process's tensor as it is. */
async function alone(): Promise<void> {
  const world = {
    rank: 0,
    size: 1,
    localRank: 0,
    local: true,
    address: "127.0.0.1",
    port: 29_517,
    opensStore: true,
    attempt: 0,
  };
  const { group } = ProcessGroup.join(world, { device, timeout: 60_000, announcement: "" });
  const sent = [1.5, -2, 3e5];
  const kept = tidy(() => {
    const tensor = toDevice(floats(sent, [3]), device);
    group.reduce_(tensor, 0);
    group.broadcast_(tensor, 0);
    return Array.from(tensor.toFloats());
  });
  const [yes, no] = group.anywhere([true, false]);
  const isRight = `${kept}` === `${sent}` && yes && !no && group.total(2.5) === 2.5;
  row(
    `collectives of one process by ${device.startsWith("cuda") ? "NCCL" : "Gloo"}`,
    isRight ? "right" : `WRONG: ${kept}`,
  );
  const train = async (name: string, team?: ProcessGroup) => {
    const engine = openUnending(qwen!, { device: team ? "auto" : device, precision: "bfloat16" }, team);
    for (let step = 0; step < 4; step++) await runStep(engine, { completions: 8, tokens: 24 }, step);
    engine.export(join(scratch, name));
    engine.dispose();
    return readFileSync(join(scratch, name, "model.safetensors"));
  };
  const isSame = (await train("lone")).equals(await train("team", group));
  native.leaveGroup();
  row("4 steps with divided masters, and without", isSame ? "the same weights, bit for bit" : "OTHER weights");
}

/** A table of the kernels and host calls that took longest while `work` ran, on standard error. */
async function profiled(what: string, work: () => Promise<unknown>): Promise<void> {
  const profiler = createRequire(import.meta.url)("./profiler.node") as Profiler;
  profiler.start();
  const started = performance.now();
  await work();
  const wall = 1000 * (performance.now() - started);
  const rows = profiler.stop();
  const [, , kernels, busy] = rows.pop()!;
  row(
    `${what}: the device computes`,
    `${((100 * busy) / wall).toFixed(0)} % of the time, ${kernels} kernels and copies`,
  );
  for (const place of ["device", "host"]) {
    const slowest = rows.filter(([where]) => where === place).sort((a, b) => b[3] - a[3]);
    for (const [, name, calls, time] of slowest.slice(0, 28))
      console.error(`${what} | ${place} | ${(time / 1000).toFixed(1)} ms | ${calls} | ${name.slice(0, 150)}`);
  }
}

type Profiler = { start(): void; stop(): [where: string, name: string, calls: number, microseconds: number][] };

/** How far the log-probabilities of sampled tokens are from those that `score` gives them. */
async function samplingGaps(engine: LocalEngine): Promise<number[]> {
  const prompts = await promptsOf(engine, { completions: 16, side }, 3);
  const sampled = engine.sample(prompts, { n: 4, maxTokens: small ? 8 : 96, temperature: 1, seed: 3 });
  const groups = prompts.map((prompt, p) => ({ prompt, completions: sampled[p]!.map(({ ids }) => ids) }));
  return engine
    .score("policy", groups)
    .flatMap((group, p) =>
      group.flatMap((row, k) => row.map((value, t) => Math.abs(value - sampled[p]![k]!.logprobs[t]!))),
    );
}

/** Decoding and steps at one shape. */
async function shape(name: string, donor: string, sizes: Sizes, peak: number): Promise<void> {
  const dir = join(scratch, "model");
  try {
    writeRandomCheckpoint(dir, donor, sizes);
    const started = performance.now();
    native.meter(true);
    const engine = openUnending(dir, {
      device,
      precision: "bfloat16",
      microBatchTokens: 8192,
      activationCheckpointing: true,
      ...(donor.endsWith("internvl") ? { image: { maxTiles: 1 } } : { image: { maxPixels: side ** 2 } }),
    });
    row(`${name}: opened`, seconds(started));
    try {
      for (const rows of small ? [1, 4] : [1, 8, 32, 128]) {
        const [short, long] = small ? [4, 8] : [16, 80];
        const time = async (tokens: number) => measureSampling(engine, rows, tokens, side);
        const perToken = ((await time(long)) - (await time(short))) / (long - short);
        row(`${name}: a decoded token, ${rows} rows`, `${(1000 * perToken).toFixed(2)} ms`);
      }
      const gaps = await samplingGaps(engine);
      const mean = gaps.reduce((a, b) => a + b) / gaps.length;
      row(
        `${name}: log-probabilities noted in sampling, and scored`,
        `${mean.toExponential(1)} apart on average, at most ${Math.max(...gaps).toExponential(1)}`,
      );
      const [completions, tokens] = small ? [8, 16] : [128, 256];
      const { ids, images } = await promptAbout(engine, picture(side, 1));
      const patches = images.reduce((sum, { grid_thw: [t, h, w] }) => sum + t * h * w, 0);
      const workload = {
        prompts: completions / 4,
        completions: 4,
        promptTokens: ids.length,
        patches,
        maxTokens: tokens,
      };
      const forecast = engine.memory(workload).peak;
      const ours = await measureStep(engine, { completions, tokens, steps: 2, side });
      const [, peakBytes] = native.metered();
      const phases = Object.entries(ours.phases_s).map(([phase, time]) => `${phase} ${time.toFixed(2)}`);
      row(
        `${name}: a step`,
        `${ours.median_step_s.toFixed(2)} s (${phases.join(", ")}), ${ours.tokens_per_s.toFixed(0)} tokens/s`,
      );
      const use = (flops: number, time: number) => `${((100 * flops) / time / peak).toFixed(1)} %`;
      const { training, total } = flopsOf(ours.work);
      row(
        `${name}: of the measured matrix product`,
        `${use(total, ours.median_step_s)} over the step, ${use(training, ours.phases_s.train)} in training`,
      );
      row(`${name}: peak, and what was forecast`, `${bytes(peakBytes)}, ${bytes(forecast)}`);
      // The profiler takes the meter's place.
      native.meter(false);
      const turns = small ? 4 : 16;
      const prompts = await promptsOf(engine, { completions, side }, 1);
      await profiled(`${name}: ${turns} tokens of ${completions} rows`, async () =>
        engine.sample(prompts, { n: 4, maxTokens: turns, temperature: 1, seed: 1 }),
      );
      const few = (await promptsOf(engine, { completions, side }, 7)).slice(0, completions / 8);
      const written = few.map(() => Array.from({ length: 4 }, () => new Array<number>(tokens).fill(100)));
      const learned = `${name}: ${few.length * 4} of ${completions} completions`;
      const groups = few.map((prompt, g) => ({ prompt, completions: written[g]! }));
      await profiled(`${learned} scored`, async () => engine.score("reference", groups));
      await profiled(`${learned} scored again, learned from`, () => learn(engine, few, written, tokens));
    } finally {
      native.meter(false);
      await engine.dispose();
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** 1,024 patches of 14 pixels. */
const side = small ? 112 : 448;
// Only deterministic kernels give the same bits again, at a price: the shapes below are measured without.
process.env.GRIT_DETERMINISTIC = "1";
const [qwen, internvl] = ["models/grit-tiny-base", "models/grit-tiny-base-internvl"];
console.log(`\n| on ${device}, libtorch ${native.version()} | |\n| --- | --- |`);
try {
  await part("exact", "recorded numbers", async () => {
    const cases = fusedCases(device, "bfloat16");
    const unequal = cases.filter((each) => differenceIn(each) !== undefined);
    row(
      "operators with a pass of their own, bfloat16, values and gradients",
      unequal.length === 0 ? `equal, ${cases.length} cases` : `UNEQUAL: ${unequal.map(({ name }) => name)}`,
    );
    for (const precision of ["float32", "bfloat16"] as const) {
      const gaps = [];
      for (const name of goldenNames()) gaps.push(await goldenGap(loadGolden(name), precision));
      row(
        `recorded log-probabilities, ${precision}`,
        `at most ${Math.max(...gaps).toExponential(1)} away, ${gaps.length} checkpoints`,
      );
    }
  });
  await part("resume", "8 steps, broken off and resumed", async () =>
    row(
      "8 steps, broken off after 4 and resumed",
      (await resumed(qwen!)) ? "the same weights, bit for bit" : "OTHER weights",
    ),
  );
  await part("processes", "one process by NCCL", alone);
  delete process.env.GRIT_DETERMINISTIC;
  const peak = matmulPeak("bfloat16", device, small ? 512 : 8192);
  row("large matrix products, bfloat16", `${(peak / 1e12).toFixed(1)} TFLOP/s`);
  await part("qwen", "Qwen2.5-VL-3B", () =>
    shape(small ? "0.4B" : "Qwen2.5-VL-3B", qwen!, small ? QWEN_0_4B : QWEN_3B(), peak),
  );
  await part("internvl", "InternVL3-2B", () =>
    shape(small ? "tiny InternVL" : "InternVL3-2B", internvl!, small ? {} : INTERNVL_2B(), peak),
  );
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
