/**
 * @file What the benchmarks time: a GRPO step by its phases, sampling, and what the machine could do at best. All completions have
 * exactly the length that is asked for.
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { ProcessGroup } from "../src/distributed/process-group.ts";
import type { Engine, EngineOptions } from "../src/engine/engine.ts";
import { LocalEngine } from "../src/engine/local.ts";
import { weightsOfToken } from "../src/engine/step-forecast.ts";
import { readModel } from "../src/models/architectures.ts";
import type { Prompt } from "../src/records.ts";
import { cast, full, Generator, linear, narrow, normal_, sum, zeros } from "../src/torch/ops.ts";
import type { ComputeType } from "../src/torch/precision.ts";
import { noGrad, tidy } from "../src/torch/tensor.ts";
import { stream } from "../src/util/random.ts";

const GROUP = 4;
const SIDE = 168;
const QUESTION =
  "\nQuestion: How many discs are in the picture? First write your thoughts between <think> and </think>, with the " +
  "coordinates you need as JSON under the key 'bbox_2d'. Look again between <rethink> and </rethink>, then give the " +
  "answer after <answer>.";

export interface StepPlan {
  /** In all, in groups of 4. */
  readonly completions: number;
  readonly tokens: number;
  /** Measured ones; one more warms up. */
  readonly steps: number;
  /** Of the pictures, in pixels; one a group. Default 168. */
  readonly side?: number;
}

const PHASES = ["prepare", "sample", "score", "train", "update"] as const;

export interface StepTimes {
  readonly median_step_s: number;
  readonly tokens_per_s: number;
  /** Medians. */
  readonly phases_s: Readonly<Record<(typeof PHASES)[number], number>>;
  /** What the matrix products of a step ask of the machine. */
  readonly work: StepWork;
}

/** The matrix products of a step. */
export interface StepWork {
  /** Floating-point operations of a forward pass over all prompts and completions, and over the prompts alone. */
  readonly forwardFlops: number;
  readonly prefillFlops: number;
  /** Likewise of one token for every sequence, in decoding. */
  readonly turnFlops: number;
  /** Values of the weights that each such turn reads. */
  readonly turnWeights: number;
  readonly turns: number;
}

/** The speed of a machine. */
export interface Machine {
  /** Floating-point operations a second of large matrix products. */
  readonly flops: number;
  /** Bytes a second that are read from memory. */
  readonly bandwidth: number;
}

/**
 * Seconds of a step that did nothing but its matrix products: those of many tokens at the speed of large products; in decoding, where
 * a turn reads every weight for a few tokens, at that or at the speed of the memory, whichever is slower.
 */
export function limitOf(work: StepWork, machine: Machine, bytes: number): number {
  const { total } = flopsOf(work);
  const turns = work.turns * work.turnFlops;
  const turn = Math.max(work.turnFlops / machine.flops, (work.turnWeights * bytes) / machine.bandwidth);
  return (total - turns) / machine.flops + work.turns * turn;
}

/** Floating-point operations in all, and those of training, whose gradient costs twice a forward pass. */
export function flopsOf({ forwardFlops, prefillFlops, turnFlops, turns }: StepWork) {
  const training = 3 * forwardFlops;
  return { training, total: prefillFlops + turns * turnFlops + forwardFlops + training };
}

/** Opens a checkpoint, reference beside it, so that nothing that is sampled ends a completion. */
export function openUnending(
  dir: string,
  options: Omit<EngineOptions, "unending" | "reference">,
  group?: ProcessGroup,
): LocalEngine {
  return new LocalEngine(dir, { ...options, reference: true, unending: true }, group);
}

/** Times steps with full fine-tuning: policy and reference scored, one AdamW update. */
export async function measureStep(engine: Engine | LocalEngine, plan: StepPlan): Promise<StepTimes> {
  const times: number[][] = [];
  let read = 0;
  for (let index = 0; index <= plan.steps; index++) {
    const { marks, promptTokens } = await runStep(engine, plan, index);
    read = promptTokens;
    if (index > 0) times.push(marks.slice(1).map((mark, i) => (mark - marks[i]!) / 1000));
  }
  const written = plan.completions * plan.tokens;
  const median = middle(times.map((phases) => phases.reduce((a, b) => a + b)));
  const phases_s = Object.fromEntries(PHASES.map((phase, i) => [phase, middle(times.map((each) => each[i]!))]));
  return {
    median_step_s: median,
    tokens_per_s: written / median,
    phases_s: phases_s as StepTimes["phases_s"],
    work: workOf(weightsOfToken(readModel(engine.dir)), read, plan),
  };
}

/** The work of a step whose prompts have so many tokens, of a model whose tokens are multiplied with so many weights. */
function workOf(weights: number, read: number, { completions, tokens }: StepPlan): StepWork {
  const written = completions * tokens;
  return {
    forwardFlops: 2 * weights * (read + written),
    prefillFlops: 2 * weights * read,
    turnFlops: 2 * weights * completions,
    turnWeights: weights,
    turns: tokens,
  };
}

/** One step, whose pictures and seed are those of its index; the times between its phases in milliseconds. */
export async function runStep(engine: Engine | LocalEngine, plan: Omit<StepPlan, "steps">, index: number) {
  const { tokens } = plan;
  const marks = [performance.now()];
  const prompts = await promptsOf(engine, plan, index);
  marks.push(performance.now());
  const sampled = await engine.sample(prompts, { n: GROUP, maxTokens: tokens, temperature: 0.9, seed: index });
  marks.push(performance.now());
  const completions = sampled.map((group) => group.map(({ ids }) => ids));
  await learn(engine, prompts, completions, tokens, () => marks.push(performance.now()));
  return { marks, promptTokens: prompts.reduce((sum, { ids }) => sum + ids.length, 0) };
}

/** The prompts of a step, one for each group. */
export function promptsOf(
  engine: Pick<Engine, "processor">,
  { completions, side = SIDE }: Omit<StepPlan, "steps" | "tokens">,
  index: number,
): Promise<Prompt[]> {
  const pictures = Array.from({ length: completions / GROUP }, (_, i) => picture(side, index * 100 + i));
  return Promise.all(pictures.map((each) => promptAbout(engine, each)));
}

/** What a step does once its completions are written: they are scored, their gradient is taken, and the weights move. */
export async function learn(
  engine: Engine | LocalEngine,
  prompts: readonly Prompt[],
  completions: readonly (readonly (readonly number[])[])[],
  maxTokens: number,
  done: () => void = () => {},
): Promise<void> {
  const loss = {
    kind: "grpo",
    form: "on_policy",
    epsilonLow: 0.2,
    epsilonHigh: 0.2,
    beta: 0.01,
    normalize: "sequence",
    maxTokens,
  } as const;
  const groups = prompts.map((prompt, g) => ({ prompt, completions: completions[g]! }));
  const references = await engine.score("reference", groups);
  done();
  await engine.forwardBackward(
    groups.map(({ prompt, completions }, g) => ({
      prompt,
      items: completions.map((ids, k) => ({ ids, advantage: k - 1.5, referenceLogprobs: references[g]![k]! })),
    })),
    loss,
  );
  done();
  await engine.step({ lr: 2e-6, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, clipNorm: 1 });
  done();
}

/** The same step in TRL, on the same checkpoint; `python` has what bench/trl/trl_step.py needs. */
export function measurePeer(python: string, dir: string, plan: StepPlan, precision: ComputeType) {
  const script = fileURLToPath(new URL("trl/trl_step.py", import.meta.url));
  const { completions, tokens, steps } = plan;
  const args = ["--completions", completions, "--tokens", tokens, "--steps", steps, "--dtype", precision].map(String);
  const out = execFileSync(python, [script, dir, ...args], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  return JSON.parse(out.trim().split("\n").at(-1)!) as Pick<StepTimes, "median_step_s" | "tokens_per_s">;
}

/** Seconds that so many completions of one picture take, sampled together. */
export async function measureSampling(engine: Engine | LocalEngine, completions: number, tokens: number, side: number) {
  const prompt = await promptAbout(engine, picture(side, 1));
  const sample = async () => {
    const started = performance.now();
    await engine.sample([prompt], { n: completions, maxTokens: tokens, temperature: 1, seed: 1 });
    return (performance.now() - started) / 1000;
  };
  await sample();
  return middle([await sample(), await sample(), await sample()]);
}

/** Floating-point operations a second of the best of some large matrix products. */
export function matmulPeak(precision: ComputeType, device = "cpu", n = 2048): number {
  // A GPU is asked for some at once, and then for one value: copying a whole product to the host takes longer than the product.
  const products = device === "cpu" ? 1 : 16;
  using generator = new Generator(1, device);
  return noGrad(() =>
    tidy(() => {
      const a = cast(normal_(zeros([n, n], "float32", device), 0, 1, generator), precision);
      const times = Array.from({ length: 6 }, () => {
        const started = performance.now();
        tidy(() => {
          const last = Array.from({ length: products }, () => linear(a, a)).at(-1)!;
          narrow(narrow(last, 0, 0, 1), 1, 0, 1).toBytes();
        });
        return (performance.now() - started) / 1000;
      });
      return (products * 2 * n ** 3) / Math.min(...times);
    }),
  );
}

/** Bytes a second at which the best of some sums over a large tensor reads it. */
export function readBandwidth(device = "cpu", values = 2 ** 27): number {
  return noGrad(() =>
    tidy(() => {
      const x = full([values], 1, "float32", device);
      const times = Array.from({ length: 6 }, () => {
        const started = performance.now();
        tidy(() => void sum(x).toBytes());
        return (performance.now() - started) / 1000;
      });
      return (4 * values) / Math.min(...times);
    }),
  );
}

/** A question about a picture, of some thirty words. */
export function promptAbout(
  { processor }: Pick<Engine, "processor">,
  image: { width: number; height: number; rgb: Uint8Array },
): Promise<Prompt> {
  return processor.promptFrom({ images: [image], text: QUESTION });
}

/** Four discs on a grey ground. */
export function picture(side: number, seed: number): { width: number; height: number; rgb: Uint8Array } {
  const random = stream(seed, "bench");
  const rgb = new Uint8Array(side * side * 3).fill(random.int(0, 255));
  for (let disc = 0; disc < 4; disc++) {
    const [cx, cy] = [random.int(13, side - 14), random.int(13, side - 14)];
    const colour = [random.int(0, 255), random.int(0, 255), 0];
    for (let y = cy - 12; y <= cy + 12; y++)
      for (let x = cx - 12; x <= cx + 12; x++)
        if ((x - cx) ** 2 + (y - cy) ** 2 <= 156) rgb.set(colour, (y * side + x) * 3);
  }
  return { width: side, height: side, rgb };
}

function middle(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
