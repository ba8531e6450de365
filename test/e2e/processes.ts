/** @file What the tests of several processes share: a small training, run by the command line, and what two runs have in common. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import sharp from "sharp";
import { parse, stringify } from "yaml";
import type { MetricsLine } from "../../src/run/lines.ts";
import { checkpointDir, readLines, writeLines } from "../commands.ts";
import { DEVICE } from "../device.ts";
import { syntheticRgb } from "../golden/golden.ts";
import { relativeDistance, tensorsIn } from "../tiny.ts";
import { VARIETY } from "../variety.ts";

/** Images of several sizes, a data file and a reward. Called once for a folder. */
export async function writeTrainingData(dir: string): Promise<void> {
  mkdirSync(dir, { recursive: true });
  const lines = Array.from({ length: 6 }, (_, i) => ({
    image: `${i}.png`,
    question: `Is the kite above the boat?${" Look!".repeat(i)}`,
    answer: "yes",
    dataset: "vsr",
  }));
  for (const [i, { image }] of lines.entries()) {
    const [width, height] = [56 + 28 * i, 84];
    await sharp(syntheticRgb(width, height), { raw: { width, height, channels: 3 } })
      .png()
      .toFile(join(dir, image));
  }
  writeLines(join(dir, "train.jsonl"), lines);
  writeFileSync(join(dir, "variety.mjs"), VARIETY);
}

/** Writes a recipe over that data, with more keys, each in place of ours; its path. */
export function writeRecipe(path: string, dir: string, checkpoint: string, more = ""): string {
  const ours = `
model: ${checkpointDir(checkpoint)}
data: { train: [${join(dir, "train.jsonl")}] }
rewards: { custom: [${join(dir, "variety.mjs")}] }
steps: 4
prompts_per_step: 4
group_size: 4
method: direct
precision: float32
advantage: batch
sampling: { temperature: 1, max_tokens: 12 }
loss: { beta: 0.02 }
optimizer: { lr: 1.0e-4, weight_decay: 0.01 }
device: ${DEVICE}`;
  writeFileSync(path, stringify({ ...parse(ours), ...parse(more) }));
  return path;
}

export interface Started {
  readonly pid: number;
  /** Its exit code, null when a signal ended it, and what it printed. */
  readonly end: Promise<{ readonly code: number | null; readonly output: string }>;
}

/** Starts a command with one thread a process. */
export function start(command: string, args: readonly string[], env: Record<string, string> = {}): Started {
  const child = spawn(command, args, {
    env: { ...process.env, OMP_NUM_THREADS: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const printed = Promise.all([text(child.stdout), text(child.stderr)]);
  const end = once(child, "close").then(async ([code]) => ({
    code: code as number | null,
    output: (await printed).join(""),
  }));
  return { pid: child.pid!, end };
}

/** Starts `grit train`. */
export function startTraining(recipe: string, run: string, ...more: string[]): Started {
  return start(process.execPath, ["bin/grit.mjs", "train", recipe, "--run", run, ...more]);
}

/** Runs `grit train` to its end. @throws with what it printed unless it succeeds */
export async function trainedRun(recipe: string, run: string, ...more: string[]): Promise<string> {
  const { code, output } = await startTraining(recipe, run, ...more).end;
  if (code !== 0) throw new Error(`grit train ended with ${code}:\n${output}`);
  return run;
}

/** The process that a launched training has for a rank. */
export function processOf(parent: number, rank: number): number {
  const found = readdirSync("/proc").find((pid) => {
    try {
      const isChild = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[1] === String(parent);
      return isChild && readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(`RANK=${rank}`);
    } catch {
      return false;
    }
  });
  if (found === undefined) throw new Error(`Process ${parent} has no rank ${rank}.`);
  return Number(found);
}

/** The lines of a run's metrics. */
export function metricsOf(run: string): MetricsLine[] {
  return readLines<MetricsLine>(join(run, "metrics.jsonl"));
}

type Rollout = Readonly<Record<string, unknown>> & { readonly logprobs: readonly number[] };

function linesOf(run: string): [file: string, lines: Rollout[]][] {
  const dir = join(run, "rollouts");
  return readdirSync(dir).map((name) => [name, readLines<Rollout>(join(dir, name))]);
}

/** The rollouts of a run by their file, but for log-probabilities, whose last decimal rounding decides. */
export function rolloutsOf(run: string): Map<string, unknown[]> {
  return new Map(linesOf(run).map(([file, lines]) => [file, lines.map(({ logprobs, ...rest }) => rest)]));
}

/** The largest gap between the log-probabilities of two runs of the same rollouts. */
export function logprobsApart(run: string, other: string): number {
  const all = (dir: string) => linesOf(dir).flatMap(([, lines]) => lines.flatMap(({ logprobs }) => logprobs));
  const others = all(other);
  return Math.max(...all(run).map((logprob, i) => Math.abs(logprob - others[i]!)));
}

/** Everything in a run folder but its metrics, by path. */
export function filesOf(run: string): string[] {
  return readdirSync(run, { recursive: true, encoding: "utf8" }).sort();
}

type Tensors = ReadonlyMap<string, Float32Array>;

/** The tensors of the training states of two runs after a step, of those whose names are chosen. */
function statesOf(
  runs: readonly [string, string],
  step: number,
  chosen: (name: string) => boolean,
): [Tensors, Tensors] {
  const stateOf = (run: string): Tensors => {
    const all = tensorsIn(join(run, "checkpoints", `step-${step}`, "trainer", "state.safetensors"));
    const floats = (bytes: Buffer) => new Float32Array(Uint8Array.from(bytes).buffer);
    return new Map([...all].filter(([name]) => chosen(name)).map(([name, bytes]) => [name, floats(bytes)]));
  };
  const [left, right] = [stateOf(runs[0]), stateOf(runs[1])];
  if (left.size === 0 || [...left.keys()].join() !== [...right.keys()].join()) throw new Error("Other tensors.");
  return [left, right];
}

/** AdamW's: a gradient below it is no more than rounding. */
const EPSILON = 1e-8;

/** How far the weights of a run are from those of another, relative in L2, of the tensor that is farthest. */
interface WeightsApart {
  /** Of those that a gradient has moved. */
  readonly moved: number;
  /** Of those whose gradient is zero but for rounding, which AdamW enlarges, and their names. */
  readonly idle: number;
  readonly idleNames: readonly string[];
}

export function weightsApart(run: string, from: string, step: number): WeightsApart {
  const [left, right] = statesOf([run, from], step, () => true);
  const names = [...right.keys()].filter((name) => !/\.(mean|square)$/.test(name));
  const isIdle = (name: string) => right.get(`${name}.square`)!.every((square) => square < EPSILON ** 2);
  const apart = (some: readonly string[]) =>
    some.reduce((most, name) => Math.max(most, relativeDistance(left, new Map([[name, right.get(name)!]]))), 0);
  const idleNames = names.filter(isIdle);
  return { moved: apart(names.filter((name) => !isIdle(name))), idle: apart(idleNames), idleNames };
}

/** Gradients are of the order of a hundredth. */
const ROUNDING = 1e-7;

/**
 * The same of first moments, of the tensor that is farthest, and the names of those that are rounding alone. One that is all zeros on both
 * sides is not apart.
 */
export function momentsApart(run: string, from: string, step: number): { apart: number; idleNames: readonly string[] } {
  const [left, right] = statesOf([run, from], step, (name) => name.endsWith(".mean"));
  const isBelow = (bound: number, values: Float32Array) => values.every((value) => Math.abs(value) <= bound);
  const isIdle = (name: string) => isBelow(ROUNDING, left.get(name)!) && isBelow(ROUNDING, right.get(name)!);
  const isZero = (name: string) => isBelow(0, left.get(name)!) && isBelow(0, right.get(name)!);
  const distances = [...right].map(([name, values]) =>
    isIdle(name) ? 0 : relativeDistance(left, new Map([[name, values]])),
  );
  const idleNames = [...right.keys()].filter((name) => isIdle(name) && !isZero(name));
  return { apart: Math.max(...distances), idleNames: idleNames.map((name) => name.replace(/\.mean$/, "")) };
}
