/** @file The folders under the studio's folder that it can show: runs, evaluations, checks of recipes. */

import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, join, posix } from "node:path";
import { CHECK_FILE } from "../run/check-file.ts";

/** How many folders deep they are looked for. */
const DEPTH = 3;

/** A folder, known by its path under the studio's; by its own name if it is the studio's folder itself. */
export interface FoundFolder {
  readonly id: string;
  readonly dir: string;
}

export interface FoundEvaluation extends FoundFolder {
  /** The run that it belongs to; absent where `grit eval` wrote it by itself. */
  readonly run?: FoundFolder;
}

export interface FoundFolders {
  readonly runs: readonly FoundFolder[];
  readonly evaluations: readonly FoundEvaluation[];
  readonly checks: readonly FoundFolder[];
}

/** What is under a folder, in the order of the paths. Links and hidden folders are not followed; a run or an evaluation holds no other. */
export async function foundFolders(folder: string): Promise<FoundFolders> {
  const found = { runs: [] as FoundFolder[], evaluations: [] as FoundEvaluation[], checks: [] as FoundFolder[] };
  const visit = async (path: string, depth: number): Promise<void> => {
    const dir = join(folder, path);
    const has = (...names: string[]) => names.some((name) => existsSync(join(dir, name)));
    const here: FoundFolder = { id: path || basename(dir), dir };
    if (has(CHECK_FILE)) found.checks.push(here);
    if (has("run.json", "metrics.jsonl")) {
      found.runs.push(here);
      found.evaluations.push(...(await evaluationsOf(here)));
    } else if (has("manifest.json") && has("samples.jsonl")) found.evaluations.push(here);
    else if (depth > 0)
      await Promise.all((await foldersIn(dir)).map((name) => visit(posix.join(path, name), depth - 1)));
  };
  await visit("", DEPTH);
  const byId = (a: FoundFolder, b: FoundFolder) => (a.id < b.id ? -1 : 1);
  for (const folders of Object.values(found)) folders.sort(byId);
  return found;
}

/** The folders in a run's `eval/` that hold answers. */
async function evaluationsOf(run: FoundFolder): Promise<FoundEvaluation[]> {
  const folder = join(run.dir, "eval");
  const names = (await foldersIn(folder)).filter((name) => existsSync(join(folder, name, "samples.jsonl")));
  return names.map((name) => ({ id: `${run.id}/eval/${name}`, dir: join(folder, name), run }));
}

async function foldersIn(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => []);
  const folders = entries.filter((entry) => entry.isDirectory() && !/^\.|^node_modules$/.test(entry.name));
  return folders.map(({ name }) => name);
}
