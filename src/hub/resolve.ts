/**
 * @file Which folder a model's name means: a folder, the latest checkpoint of a run, or a model of the hub that is in the cache.
 * Nothing is fetched.
 */
import { existsSync, statSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { isAddress } from "../util/address.ts";
import { UserError } from "../util/errors.ts";
import { isObject } from "../util/json-object.ts";
import { shortened } from "../util/shortened.ts";
import { readJsonIfPresent } from "./checkpoint-files.ts";
import { kindOf } from "./folder-kind.ts";
import { cacheFolder } from "./hub.ts";
import { RepoCache } from "./hub-cache.ts";
import { downloadCommand, parseId } from "./id.ts";
import { checkpointsIn } from "./run-checkpoints.ts";

/**
 * A name that means the same from any folder: an absolute path, or a hub id; an address stays, for `modelFolder` to refuse. An existing folder wins over a hub id of the same
 * spelling; a name that cannot be an id is taken for a path, whether it exists or not.
 * @param base where a relative path starts
 */
export function anchored(name: string, base: string): string {
  if (isAddress(name)) return name;
  const path = resolve(base, name);
  return !isFolder(path) && parseId(name) ? name : path;
}

/**
 * The folder of a model.
 * @param name as `anchored` gives it
 * @throws UserError for an address; for a hub id that is not in the cache or not whole there, with the command that fetches it; for a run that has
 * no checkpoint yet
 */
export function modelFolder(name: string): string {
  if (isAddress(name))
    throw new UserError(
      `${shortened(name)} is an address, and models are not fetched by one.`,
      "Download the model by its id on the hub (grit download org/name), and name that id.",
    );
  const id = isAbsolute(name) ? undefined : parseId(name);
  if (!id) return kindOf(name) === "run" ? latestOf(name) : name;
  const cache = new RepoCache(cacheFolder(), id.repo);
  const commit = cache.commitOf(id.revision);
  if (!commit)
    throw new UserError(
      `Model ${name} not found locally or in the cache (${cacheFolder()}). Download it with: ${downloadCommand(id)}`,
    );
  const folder = cache.snapshot(commit);
  const lacking = shardsOf(folder).find((shard) => !existsSync(join(folder, shard)));
  if (lacking)
    throw new UserError(
      `${name} in the cache (${folder}) lacks ${lacking}. Download the rest with: ${downloadCommand(id)}`,
    );
  return folder;
}

function latestOf(run: string): string {
  const latest = checkpointsIn(run).at(-1);
  if (latest) return latest.dir;
  throw new UserError(`The run in ${run} has no checkpoint yet. Wait for one, or name another model.`);
}

/** The files that hold the weights. A download by another tool that was interrupted may have left only some of them. */
function shardsOf(folder: string): string[] {
  const { weight_map } = readJsonIfPresent(folder, "model.safetensors.index.json") ?? {};
  const names = isObject(weight_map) ? Object.values(weight_map) : [];
  return [...new Set(names)].filter((name) => typeof name === "string");
}

function isFolder(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory();
}
