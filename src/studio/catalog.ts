/** @file What is under the studio's folder. A run or an evaluation is known by its path there; only what was found can be asked for. */

import { stat } from "node:fs/promises";
import { join } from "node:path";
import { isTaken } from "../../tools/lock.mjs";
import { Lru } from "../prompt/lru.ts";
import { CHECK_FILE } from "../run/check-file.ts";
import { LOCK } from "../util/folder-lock.ts";
import { EvaluationAnswers } from "./evaluation-answers.ts";
import { type FoundEvaluation, type FoundFolder, type FoundFolders, foundFolders } from "./found-folders.ts";
import { RunMetrics } from "./run-metrics.ts";
import { RunTokens } from "./run-tokens.ts";
import { StepRollouts } from "./step-rollouts.ts";
import type { Changes } from "./studio-data.ts";

/** Runs, and evaluations, whose indices are kept. */
const KEPT = 12;

/** What is indexed of a run when it is looked at. */
export interface RunIndices {
  readonly metrics: RunMetrics;
  readonly rollouts: StepRollouts;
  readonly tokens: RunTokens;
}

export class Catalog {
  readonly folder: string;
  #found: FoundFolders = { runs: [], evaluations: [], checks: [] };
  readonly #runs = new Lru<RunIndices>(KEPT, () => 1);
  readonly #answers = new Lru<EvaluationAnswers>(KEPT, () => 1);
  /** Of each folder at the last look for changes. */
  #stamps = new Map<string, string>();

  constructor(folder: string) {
    this.folder = folder;
  }

  /** The run with that path under the folder; undefined if there is none. */
  async run(id: string): Promise<(FoundFolder & RunIndices) | undefined> {
    const run = await this.#find(id, ({ runs }) => runs);
    if (!run) return undefined;
    const indices = this.#runs.get(run.dir) ?? indicesOf(run.dir);
    this.#runs.set(run.dir, indices);
    return { ...run, ...indices };
  }

  /** The evaluation with that path under the folder; undefined if there is none. */
  async evaluation(id: string): Promise<(FoundEvaluation & { readonly answers: EvaluationAnswers }) | undefined> {
    const evaluation = await this.#find(id, ({ evaluations }) => evaluations);
    if (!evaluation) return undefined;
    const answers = this.#answers.get(evaluation.dir) ?? new EvaluationAnswers(evaluation.dir);
    this.#answers.set(evaluation.dir, answers);
    return { ...evaluation, answers };
  }

  /** Looks what there is now; in the order of the paths. */
  async look(): Promise<FoundFolders> {
    this.#found = await foundFolders(this.folder);
    return this.#found;
  }

  /** What has changed since the last call; undefined if nothing has. The first call only takes note of what there is. */
  async changes(): Promise<Changes | undefined> {
    const before = this.#stamps;
    const { runs, evaluations, checks } = await this.look();
    const folders = [...runs, ...evaluations, ...checks];
    this.#stamps = new Map(await Promise.all(folders.map(async ({ id, dir }) => [id, await stampOf(dir)] as const)));
    if (before.size === 0) return undefined;
    const ids = [...this.#stamps.keys()];
    const changed = ids.filter((id) => before.has(id) && before.get(id) !== this.#stamps.get(id));
    const list = ids.length !== before.size || ids.some((id) => !before.has(id));
    return changed.length > 0 || list ? { folders: changed, list } : undefined;
  }

  async #find<Folder extends FoundFolder>(
    id: string,
    among: (found: FoundFolders) => readonly Folder[],
  ): Promise<Folder | undefined> {
    const known = among(this.#found).find((each) => each.id === id);
    return known ?? among(await this.look()).find((each) => each.id === id);
  }
}

function indicesOf(dir: string): RunIndices {
  return { metrics: new RunMetrics(dir), rollouts: new StepRollouts(dir), tokens: new RunTokens(dir) };
}

/** Differs when the folder has been written to. */
async function stampOf(dir: string): Promise<string> {
  const names = ["metrics.jsonl", "run.json", "rollouts", "eval", "samples.jsonl", CHECK_FILE];
  const parts = names.map(async (name) => {
    const found = await stat(join(dir, name)).catch(() => undefined);
    return found && `${found.size} ${found.mtimeMs}`;
  });
  return [isTaken(join(dir, LOCK)), ...(await Promise.all(parts))].join(", ");
}
