/**
 * @file Whether a long training stays as it began: memory, tensors, open files, heaps and the time of a step, over 1,000 steps of
 * the smallest model.
 *
 *     npx tsx bench/flat.ts [--steps 1000]
 *
 * Each is compared between the first and the last fifth of these steps, as medians. Before them come steps in which JavaScript is still
 * being compiled. Exit code 1 if one has grown by more than it may in 1,000 steps. The heaps are what is still referred to: garbage is collected before they are looked at. The time means
 * something on an idle machine only.
 */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { BroadcastChannel } from "node:worker_threads";
import { loadRecipe } from "../src/config/recipe.ts";
import { toEngine } from "../src/config/recipe-options.ts";
import { EngineThread } from "../src/engine/engine-thread.ts";
import { RemoteEngine } from "../src/engine/remote-engine.ts";
import { liveTensors } from "../src/torch/tensor.ts";
import { train } from "../src/train.ts";
import { Progress } from "../src/util/progress.ts";
import { table } from "../src/util/table.ts";
import { writeSmallRecipe } from "../test/small-run.ts";
import { heapInUse } from "./heap.mjs";

const { values } = parseArgs({ options: { steps: { type: "string", default: "1000" } } });
const steps = Number(values.steps);
if (!Number.isInteger(steps) || steps < 100) throw new Error("--steps is a whole number from 100 on");

/** What is looked at after each step: its unit, and what it may grow by in 1,000 steps, as a share of what it was. */
const KINDS = {
  "resident memory": { unit: "MB", most: 0.05 },
  "live tensors": { unit: "", most: 0 },
  "their bytes": { unit: "MB", most: 0 },
  "open descriptors": { unit: "", most: 0 },
  "heap of the process": { unit: "MB", most: 0.1 },
  "heap of the engine's thread": { unit: "MB", most: 0.1 },
  "time of a step": { unit: "ms", most: 0.1 },
} as const;
type Kind = keyof typeof KINDS;
const kinds = Object.keys(KINDS) as Kind[];
/** Every so many steps the heap is looked at. */
const LOOK = 20;
/** Steps that come before. */
const WARM_UP = 500;

const scratch = mkdtempSync(join(tmpdir(), "grit-flat-"));
const heap = new BroadcastChannel("heap");
try {
  let [ourHeap, threadHeap] = [0, 0];
  heap.onmessage = (message) => {
    threadHeap = (message as MessageEvent).data as number;
  };
  const keys = [
    "data: { train: [train.jsonl] }",
    `steps: ${WARM_UP + steps}`,
    "prompts_per_step: 1",
    "save: { every: 100 }",
  ];
  const recipe = await loadRecipe(writeSmallRecipe(scratch, keys));
  const thread = new EngineThread(new URL("flat-worker.mjs", import.meta.url));
  const engine = await RemoteEngine.open(recipe.model, toEngine(recipe), { thread });
  const seen = Object.fromEntries(kinds.map((kind) => [kind, [] as number[]])) as Record<Kind, number[]>;
  const progress = new Progress({ label: "train", total: WARM_UP + steps });
  await train(recipe, {
    run: join(scratch, "run"),
    engine,
    onStep: ({ step, seconds }) => {
      progress.update(step);
      const { tensors, bytes } = liveTensors();
      if (step % LOOK === 0) ourHeap = heapInUse();
      const now: Record<Kind, number> = {
        "resident memory": process.memoryUsage.rss() / 1e6,
        "live tensors": tensors,
        "their bytes": bytes / 1e6,
        "open descriptors": readdirSync("/proc/self/fd").length,
        "heap of the process": ourHeap / 1e6,
        "heap of the engine's thread": threadHeap / 1e6,
        "time of a step": 1000 * seconds.total!,
      };
      for (const kind of kinds) seen[kind].push(now[kind]);
    },
  });
  progress.finish();
  await engine.dispose();
  const rows = kinds.map((kind) => judged(kind, seen[kind]));
  console.log(table([["", "then", "at the end", "in 1,000 steps", "may", ""], ...rows.map(({ cells }) => cells)]));
  if (rows.some(({ isFlat }) => !isFlat)) process.exitCode = 1;
} finally {
  heap.close();
  rmSync(scratch, { recursive: true, force: true });
}

/** A row of the table: the medians of the two stretches, and the growth between them. */
function judged(kind: Kind, all: readonly number[]): { cells: string[]; isFlat: boolean } {
  const fifth = steps / 5;
  const [then, end] = [median(all.slice(WARM_UP, WARM_UP + fifth)), median(all.slice(-fifth))];
  const { unit, most } = KINDS[kind];
  const apart = steps - fifth;
  const growth = then === 0 ? 0 : ((end - then) / then) * (1000 / apart);
  const isFlat = growth <= most;
  const f = (value: number) => `${value.toFixed(unit === "" ? 0 : 1)} ${unit}`.trim();
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const sign = growth > 0 ? "+" : "";
  return { cells: [kind, f(then), f(end), sign + percent(growth), percent(most), isFlat ? "flat" : "GROWS"], isFlat };
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
}
