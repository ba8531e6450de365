/** @file The runs under a folder. A run is known by its path there; only what the catalogue has found can be asked for. */

import { existsSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, join, posix } from "node:path";
import { isTaken } from "../../tools/lock.mjs";
import { Lru } from "../prompt/lru.ts";
import { LOCK } from "../util/folder-lock.ts";
import { RunEvaluations } from "./run-evaluations.ts";
import { RunMetrics } from "./run-metrics.ts";
import { RunTokens } from "./run-tokens.ts";
import { StepRollouts } from "./step-rollouts.ts";
import type { Changes } from "./studio-data.ts";

/** How many folders deep runs are looked for. */
const DEPTH = 3;

/** Runs whose indices are kept. */
const KEPT = 12;

/** A run that was found. */
export interface FoundRun {
  readonly id: string;
  readonly dir: string;
}

/** What is indexed of a run when it is looked at. */
export interface RunIndices {
  readonly metrics: RunMetrics;
  readonly rollouts: StepRollouts;
  readonly tokens: RunTokens;
  readonly evaluations: RunEvaluations;
}

/** The runs under one folder. */
export class RunCatalog {
  readonly folder: string;
  #runs = new Map<string, FoundRun>();
  readonly #indices = new Lru<RunIndices>(KEPT, () => 1);
  /** Of each run at the last look for changes. */
  #stamps = new Map<string, string>();

  constructor(folder: string) {
    this.folder = folder;
  }

  /** The run with that path under the folder; undefined if there is none. */
  async find(id: string): Promise<(FoundRun & RunIndices) | undefined> {
    if (!this.#runs.has(id)) await this.look();
    const run = this.#runs.get(id);
    if (!run) return undefined;
    const indices = this.#indices.get(run.dir) ?? indicesOf(run.dir);
    this.#indices.set(run.dir, indices);
    return { ...run, ...indices };
  }

  /** Looks which runs there are now; in the order of their paths. */
  async look(): Promise<FoundRun[]> {
    const found = await runsIn(this.folder, "", DEPTH);
    const runs = found.sort((a, b) => (a.id < b.id ? -1 : 1));
    this.#runs = new Map(runs.map((run) => [run.id, run]));
    return runs;
  }

  /** What has changed since the last call; undefined if nothing has. The first call only takes note of what there is. */
  async changes(): Promise<Changes | undefined> {
    const before = this.#stamps;
    const runs = await this.look();
    this.#stamps = new Map(await Promise.all(runs.map(async ({ id, dir }) => [id, await stampOf(dir)] as const)));
    if (before.size === 0) return undefined;
    const changed = runs.filter(({ id }) => before.has(id) && before.get(id) !== this.#stamps.get(id));
    const list = runs.length !== before.size || runs.some(({ id }) => !before.has(id));
    return changed.length > 0 || list ? { runs: changed.map(({ id }) => id), list } : undefined;
  }
}

/**
 * The runs in a folder by their paths below it; by its own name if it is a run itself. Links are not followed; runs hold no other
 * runs.
 */
async function runsIn(folder: string, path: string, depth: number): Promise<FoundRun[]> {
  const dir = join(folder, path);
  if (["run.json", "metrics.jsonl"].some((name) => existsSync(join(dir, name))))
    return [{ id: path || basename(dir), dir }];
  if (depth === 0) return [];
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => []);
  const folders = entries.filter((entry) => entry.isDirectory() && !/^\.|^node_modules$/.test(entry.name));
  const found = await Promise.all(folders.map(({ name }) => runsIn(folder, posix.join(path, name), depth - 1)));
  return found.flat();
}

function indicesOf(dir: string): RunIndices {
  return {
    metrics: new RunMetrics(dir),
    rollouts: new StepRollouts(dir),
    tokens: new RunTokens(dir),
    evaluations: new RunEvaluations(dir),
  };
}

/** Differs when the run has been written to. */
async function stampOf(dir: string): Promise<string> {
  const parts = ["metrics.jsonl", "run.json", "rollouts", "eval"].map(async (name) => {
    const found = await stat(join(dir, name)).catch(() => undefined);
    return found && `${found.size} ${found.mtimeMs}`;
  });
  return [isTaken(join(dir, LOCK)), ...(await Promise.all(parts))].join(", ");
}
