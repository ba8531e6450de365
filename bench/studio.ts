/**
 * @file Is the studio quick on a long run? Makes up 10,000 steps of 128 chains, opens the studio over them in a process of its
 * own, and holds it to its bars: the first page, any chain, and memory.
 *
 *     npx tsx bench/studio.ts [DIR]      # DIR keeps the run, 2 GB; a temporary folder otherwise
 *
 * Exit code 1 when a bar is missed.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ChainLine, StepChains } from "../src/studio/studio-data.ts";
import { stream } from "../src/util/random.ts";
import { table } from "../src/util/table.ts";
import { LONG, writeLongRun } from "./long-run.ts";

const BARS = { firstPage: 1000, chain: 300, memory: 300 };
/** Chains asked for, each of another step. */
const CHAINS = 200;

const kept = process.argv[2];
const folder = kept ?? mkdtempSync(join(tmpdir(), "grit-studio-"));
try {
  const run = join(folder, "long");
  if (!existsSync(join(run, "rollouts", `step-${String(LONG.steps).padStart(6, "0")}.jsonl`))) {
    console.error(`Writing ${LONG.steps} steps into ${run}`);
    await writeLongRun(run);
  }
  await measure();
} finally {
  if (!kept) rmSync(folder, { recursive: true });
}

async function measure(): Promise<void> {
  const { studio, url } = await open();
  try {
    const ask = async <T>(path: string) => (await (await fetch(url + path)).json()) as T;
    const first = await milliseconds(async () => {
      const page = await (await fetch(url)).text();
      const files = [...page.matchAll(/(?:src|href)="\.([^"]+)"/g)].map((match) => match[1]!);
      await Promise.all(files.map(async (file) => (await fetch(url + file)).arrayBuffer()));
      await ask("/api/runs");
      await Promise.all([
        ask("/api/runs/long"),
        ask("/api/runs/long/metrics"),
        ask(`/api/runs/long/steps/${LONG.steps}`),
      ]);
    });
    const random = stream(3, "chains");
    const times: number[] = [];
    for (let i = 0; i < CHAINS; i++) {
      const step = random.int(1, LONG.steps);
      const time = await milliseconds(async () => {
        const { chains } = await ask<StepChains>(`/api/runs/long/steps/${step}`);
        const { line } = chains[random.int(0, chains.length - 1)]!;
        const [chain] = await ask<ChainLine[]>(`/api/runs/long/steps/${step}/chains?lines=${line}`);
        if (chain?.step !== step) throw new Error(`step ${step}, line ${line} is not what was asked for`);
      });
      times.push(time);
    }
    const slowest = Math.max(...times);
    const memory = peakMegabytes(studio.pid!);
    const rows = [
      ["first page, ms", first.toFixed(0), String(BARS.firstPage)],
      [`slowest of ${CHAINS} chains, ms`, slowest.toFixed(0), String(BARS.chain)],
      ["most memory, MB", memory.toFixed(0), String(BARS.memory)],
    ];
    console.log(table([["studio", "measured", "bar"], ...rows]));
    if (first > BARS.firstPage || slowest > BARS.chain || memory > BARS.memory) process.exitCode = 1;
  } finally {
    studio.kill();
  }
}

async function milliseconds(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** The studio in a process of its own, as a user starts it. */
async function open(): Promise<{ studio: ChildProcess; url: string }> {
  const command = ["bin/grit.mjs", "studio", folder, "--port", "0"];
  const studio = spawn(process.execPath, command, { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  studio.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  for (;;) {
    const url = /http:\S+/.exec(said)?.[0];
    if (url) return { studio, url };
    await once(studio.stdout, "data");
  }
}

/** What the system counts of a process: the most that it has held. */
function peakMegabytes(pid: number): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) / 1024;
}
