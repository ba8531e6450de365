/** @file Tells what kind of folder the user named where another kind was expected, and which command takes it. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const KINDS = {
  run: { is: "a run folder", use: (dir: string) => `grit report ${dir}` },
  evaluation: { is: "an evaluation", use: (dir: string) => `grit eval --table ${dir}` },
  table: { is: "a folder of evaluations", use: (dir: string) => `grit eval --table ${dir}` },
  probe: { is: "the result of grit probe", use: (dir: string) => `cat ${join(dir, "summary.json")}` },
  model: { is: "a model", use: (dir: string) => `grit eval --model ${dir} --data FILE` },
} as const;
export type FolderKind = keyof typeof KINDS;

/** What kind a folder is, by the files in it; undefined if this program does not write such folders. */
export function kindOf(dir: string): FolderKind | undefined {
  const has = (...names: string[]) => names.some((name) => existsSync(join(dir, name)));
  if (has("config.json", "adapter_config.json")) return "model";
  if (has("run.json")) return "run";
  if (has("manifest.json")) return "evaluation";
  if (has("rows.jsonl")) return "probe";
  const rows = foldersIn(join(dir, "rows"));
  return rows.some((row) => existsSync(join(row, "manifest.json"))) ? "table" : undefined;
}

/** What a folder is, in words for a sentence, and a command that shows it; undefined as `kindOf`. */
export function inWords(dir: string): { readonly is: string; readonly use: string } | undefined {
  const kind = kindOf(dir);
  return kind && { is: KINDS[kind].is, use: KINDS[kind].use(dir) };
}

/** The paths of the folders in a folder, sorted; none if it is not a folder. */
export function foldersIn(dir: string): string[] {
  if (!existsSync(dir) || !statSync(dir).isDirectory()) return [];
  return readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(dir, name))
    .sort();
}
