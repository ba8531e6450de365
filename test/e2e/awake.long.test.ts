/**
 * @file Whether the process stays awake while the engine computes: a judge works beside the sampling, timers fire, Ctrl-C is
 * heard at once. Long, and a matter of time.
 */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { afterAll, beforeAll, expect, it } from "vitest";
import { loadRecipe } from "../../src/config/recipe.ts";
import { renderSets } from "../../src/data/scenes/sets.ts";
import type { MetricsLine } from "../../src/run/lines.ts";
import { train } from "../../src/train.ts";
import { JudgeServer } from "../judge-server.ts";
import { scratch } from "../tiny.ts";

const dir = scratch();
const server = new JudgeServer();
const scenes = join(dir, "scenes");

beforeAll(async () => {
  process.env.GRIT_TEST_KEY = "secret-key";
  await server.start();
  await renderSets({ out: scenes, seed: 1, counts: { train: 16, val: 20 } });
});
afterAll(async () => {
  await server.stop();
  delete process.env.GRIT_TEST_KEY;
});

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

/** Trains the tiny base for some steps by a judge that takes so long for an answer; the steps' lines. */
async function judged(name: string, delay: number): Promise<MetricsLine[]> {
  const service = `openai: { base_url: ${server.url}, key_env: GRIT_TEST_KEY, cache: ${join(dir, "verdicts", name)} }`;
  const recipe = await loadRecipe("tiny", [
    `data.train=[${join(scenes, "vsr_train_16.jsonl")}, ${join(scenes, "tallyqa_train_16.jsonl")}]`,
    `judge={ name: openai, ${service} }`,
    ...["steps=5", "prompts_per_step=16", "group_size=8", "eval.every=0", "save.every=5"],
  ]);
  server.delay = delay;
  const lines: MetricsLine[] = [];
  await train(recipe, { run: join(dir, name), onStep: (line) => void lines.push(line as MetricsLine) });
  return lines;
}

it("a judge that takes 300 ms an answer adds at most a tenth to a step, and changes no number", {
  retry: 1,
}, async () => {
  const attempt = String(Math.round(performance.now()));
  const [quick, slow] = [await judged(`quick-${attempt}`, 0), await judged(`slow-${attempt}`, 300)];
  const numbers = ({ seconds, tokensPerSecond, rssMB, ...rest }: MetricsLine) => rest;
  expect(slow.map(numbers)).toEqual(quick.map(numbers));
  const total = (lines: readonly MetricsLine[]) => median(lines.map(({ seconds }) => seconds.total!));
  expect(total(slow) / total(quick)).toBeLessThan(1.1);
});

it("timers fire while the tiny base is trained: late by less than 50 ms in 99 of 100 cases", { retry: 1 }, async () => {
  const recipe = await loadRecipe("tiny", [
    `data.train=[${join(scenes, "vsr_train_16.jsonl")}]`,
    `data.eval={ vsr: ${join(scenes, "vsr_val.jsonl")} }`,
    ...["steps=4", "eval.every=2", "save.every=2"],
  ]);
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  await train(recipe, { run: join(dir, `timers-${Math.round(performance.now())}`) });
  delay.disable();
  expect(delay.count).toBeGreaterThan(100);
  expect(delay.percentile(99) / 1e6).toBeLessThan(50);
});

/** Runs a command, presses Ctrl-C when `ready` says so: seconds until that was answered and until the process ended. */
async function interrupted(args: readonly string[], ready: (stderr: string) => boolean, presses = 1) {
  const child = spawn(process.execPath, ["bin/grit.mjs", ...args], { stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  let pressed = 0;
  let heard = Number.POSITIVE_INFINITY;
  const since = () => (performance.now() - pressed) / 1000;
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    if (pressed > 0 && stderr.includes("Stopping.")) heard = Math.min(heard, since());
    if (presses === 2 && pressed > 0 && heard < Number.POSITIVE_INFINITY) child.kill("SIGINT");
  });
  const watch = setInterval(() => {
    if (pressed > 0 || !ready(stderr)) return;
    pressed = performance.now();
    child.kill("SIGINT");
  }, 5);
  const [code, by] = await new Promise<[number | null, string | null]>((resolve) =>
    child.on("close", (...how) => resolve(how)),
  );
  clearInterval(watch);
  return { code, by, heard, ended: since(), stderr };
}

const TINY = "models/grit-tiny-base";
const data = (set = "vsr_val") => join(scenes, `${set}.jsonl`);
const training = ["tiny", `data.train=[${data("vsr_train_16")}]`, "save.every=100"];

it.each<[string, readonly string[], (stderr: string, run: string) => boolean]>([
  ["opening the model", ["train", ...training], (stderr) => stderr.includes("Opening")],
  ["sampling the first step", ["train", ...training], (stderr) => stderr.includes("train 0/")],
  [
    "generating",
    ["generate", "--model", TINY, "--data", data(), "--out", "OUT"],
    (stderr) => stderr.includes("generate"),
  ],
  ["evaluating", ["eval", "--model", TINY, "--data", data(), "--out", "OUT"], (stderr) => /eval \d/.test(stderr)],
  ["pretraining", ["pretrain", "tiny-base", "--out", "OUT"], (stderr) => stderr.includes("vision 1")],
  [
    "fine-tuning",
    ["pretrain", "tiny-sft", `data.train=[${data("vsr_train_16")}]`, "--out", "OUT"],
    (stderr) => stderr.includes("fine-tune"),
  ],
])("Ctrl-C is heard within a second, and nothing is left running: %s", { retry: 1 }, async (_, args, ready) => {
  const out = join(dir, `interrupted-${Math.round(performance.now())}`);
  const given = args[0] === "train" ? [...args, "--run", out] : args.map((arg) => (arg === "OUT" ? out : arg));
  const { code, heard, ended, stderr } = await interrupted(given, (text) => ready(text, out));
  expect(code, stderr).toBe(130);
  expect(heard).toBeLessThan(1);
  expect(ended).toBeLessThan(3);
});

it("in the midst of training the last whole step is saved; a second press ends the process within a second", async () => {
  const run = join(dir, "midst");
  const lines = () => {
    const path = join(run, "metrics.jsonl");
    return existsSync(path) ? readFileSync(path, "utf8").split("\n").length - 1 : 0;
  };
  const first = await interrupted(["train", ...training, "--run", run], () => lines() >= 2);
  expect(first.code, first.stderr).toBe(130);
  expect(first.heard).toBeLessThan(1);
  expect(first.stderr).toMatch(/Interrupted after step \d+; the run is saved/);
  expect(existsSync(join(run, "checkpoints", `step-${lines()}`))).toBe(true);
  const resumed = ["train", ...training, "--run", run, "--resume"];
  const before = lines();
  const second = await interrupted(resumed, () => lines() > before, 2);
  expect(second.by).toBe("SIGINT");
  expect(second.ended).toBeLessThan(1);
});
