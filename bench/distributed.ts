/**
 * @file One training of the tiny base by one, two and four processes of one thread each, against the forecast of `grit train --plan`:
 * the seconds of a step; the processor's time that it takes of each process, which is the step's where each has a core to itself; and
 * the bytes that each sends. Then one process of two threads.
 *
 *     npx tsx bench/distributed.ts [--steps 4]
 *
 * The speed of matrix products is taken to be that at which the forecast of one process is what it took. Each training runs in a network
 * namespace of its own, whose loopback counts the bytes.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { stringify } from "yaml";
import { loadRecipe } from "../src/config/recipe.ts";
import { plannedModel, planTime } from "../src/engine/plan.ts";
import { RunFolder } from "../src/run/run-folder.ts";
import { median } from "../src/util/arrays.ts";
import { table } from "../src/util/table.ts";
import { readBandwidth } from "./measure.ts";

const { values } = parseArgs({ options: { steps: { type: "string", default: "4" } } });
const dir = mkdtempSync(join(tmpdir(), "grit-distributed-"));
const file = join(dir, "recipe.yaml");
/** Runs a command; then come the bytes sent to this machine, and the times of the shell and of its children. */
const COUNTED = `ip link set lo up && "$@" >&2 && awk '$1 == "lo:" { print $10 }' /proc/self/net/dev && times`;
try {
  grit({}, "data", "scenes", "--out", join(dir, "scenes"));
  const recipe = {
    model: resolve("models/grit-tiny-base"),
    data: { train: [join(dir, "scenes", "vsr_train_10.jsonl"), join(dir, "scenes", "tallyqa_train_10.jsonl")] },
    steps: Number(values.steps),
    prompts_per_step: 8,
    group_size: 4,
    sampling: { temperature: 1, max_tokens: 128 },
    optimizer: { lr: 1e-5 },
    precision: "float32",
    save: { every: 1000 },
  };
  writeFileSync(file, stringify(recipe));
  const model = plannedModel(recipe.model);
  const planned = await loadRecipe(file);
  const bandwidth = readBandwidth();
  const plan = (processes: number, flops: number) =>
    planTime(planned, model, { device: "cpu", processes }, { flops, bandwidth, link: bandwidth / 2 }, 240 * 160);

  const one = measured("one", 1, 1);
  const flops = fitted((flops) => plan(1, flops).seconds, one.busy);
  const rows = [1, 2, 4].map((processes) => {
    const { seconds, busy, sent } = processes === 1 ? one : measured(String(processes), 1, processes);
    const forecast = plan(processes, flops);
    const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
    const cells = [seconds.toFixed(2), busy.toFixed(2), forecast.seconds.toFixed(2)];
    return [String(processes), ...cells, megabytes(sent), megabytes(forecast.sent)];
  });
  const heads = ["processes", "s a step", "busy s of each", "forecast", "MB sent by each", "forecast"];
  console.log(table([heads, ...rows]));
  console.log(`one process of two threads: ${measured("threads", 2, 1).seconds.toFixed(2)} s a step`);
} finally {
  rmSync(dir, { recursive: true, force: true });
}

/**
 * Seconds of a step, the median without the first; seconds that each process is busy with one and bytes that it sends, beyond what
 * a run of one step takes.
 */
function measured(name: string, threads: number, processes: number) {
  const trained = (run: string, ...more: string[]) =>
    grit({ OMP_NUM_THREADS: String(threads) }, "train", file, ...more, "--run", run, "--processes", String(processes));
  const run = join(dir, name);
  const [all, first] = [trained(run), trained(`${run}-first`, "steps=1")];
  const [, ...steps] = RunFolder.open(run).metrics();
  const ofEach = (total: number) => total / processes / steps.length;
  return {
    seconds: median(steps.map(({ seconds }) => seconds!.total!)),
    busy: ofEach(all.busy - first.busy),
    sent: ofEach(all.sent - first.sent),
  };
}

/** The argument at which a falling function of a speed has this value. */
function fitted(seconds: (flops: number) => number, wanted: number): number {
  let [low, high] = [1e6, 1e18];
  for (let i = 0; i < 100; i++) {
    const middle = Math.sqrt(low * high);
    if (seconds(middle) > wanted) low = middle;
    else high = middle;
  }
  return low;
}

/** Runs a command: the bytes that its processes have sent to each other, and the seconds that they were busy. */
function grit(env: Record<string, string>, ...args: string[]): { readonly sent: number; readonly busy: number } {
  const command = ["-rn", "sh", "-c", COUNTED, "sh", process.execPath, "bin/grit.mjs", ...args];
  const options = { env: { ...process.env, ...env }, encoding: "utf8" } as const;
  const [sent, , children] = execFileSync("unshare", command, {
    ...options,
    stdio: ["ignore", "pipe", "ignore"],
  }).split("\n");
  const times = [...children!.matchAll(/(\d+)m([\d.]+)s/g)].map(
    ([, minutes, seconds]) => 60 * Number(minutes) + Number(seconds),
  );
  return { sent: Number(sent), busy: times.reduce((a, b) => a + b, 0) };
}
