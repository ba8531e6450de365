/** @file A model from the hub into the cache: listed, chosen, fetched file by file, and only then given its name. */
import { mkdirSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { Lock } from "../../tools/lock.mjs";
import { UserError } from "../util/errors.ts";
import { bytes } from "../util/quantities.ts";
import { begun, fetchBlob } from "./blob.ts";
import { choose, type Filter } from "./choose-files.ts";
import type { Hub } from "./hub.ts";
import { RepoCache } from "./hub-cache.ts";
import { downloadCommand, type ModelId } from "./id.ts";
import { type Listing, list, type RepoFile } from "./listing.ts";
import type { Patience } from "./retry.ts";

/** What is about to be fetched. */
export interface Plan {
  readonly commit: string;
  readonly chosen: readonly RepoFile[];
  /** Asked for, but never fetched: pickles and code. */
  readonly refused: readonly RepoFile[];
  /** Bytes of the files that are not here yet, and how many of them earlier attempts have left. */
  readonly missing: number;
  readonly begun: number;
}

export interface DownloadOptions extends Filter, Patience {
  readonly onPlan?: (plan: Plan) => void;
  /** `done` of the missing bytes are here; `file` is under way. */
  readonly onBytes?: (done: number, file: string) => void;
}

/**
 * The folder of a model's snapshot, which then holds all files that were chosen. The snapshot is laid out and the revision
 * noted after the last file is whole, so that a download broken off leaves nothing that looks complete.
 * @throws UserError for all that the user can mend: the id, the token, the filter, the disk, the connection
 */
export async function download(hub: Hub, id: ModelId, options: DownloadOptions = {}): Promise<string> {
  const cache = new RepoCache(hub.cache, id.repo);
  if (hub.offline) return cached(cache, id);
  const { commit, files } = await list(hub, id, options);
  const { chosen, refused } = choose(files, options);
  try {
    mkdirSync(join(cache.dir, "blobs"), { recursive: true });
    using _lock = await Lock.take(
      join(hub.cache, ".locks", "grit", `models--${id.repo.replace("/", "--")}.lock`),
      (owner) => options.onNotice?.(`${id.repo} is being downloaded by ${owner}; waiting for it`),
      options.signal,
    );
    const missing = chosen.filter((file) => !cache.has(commit, file));
    const plan = { commit, chosen, refused, missing: total(missing), begun: total(missing, (f) => begun(cache, f)) };
    options.onPlan?.(plan);
    requireSpace(plan, id, hub.cache);
    let done = plan.begun;
    for (const file of missing) {
      const before = done - begun(cache, file);
      await fetchBlob(hub, cache, { repo: id.repo, commit, file }, options, (here) => {
        done = before + here;
        options.onBytes?.(done, file.path);
      });
      done = before + file.size;
    }
    for (const file of chosen) cache.link(commit, file);
    cache.setRef(id.revision, commit);
    return cache.snapshot(commit);
  } catch (error) {
    throw diskFault(error, cache.dir);
  }
}

/** The snapshot that is here, when nothing may be fetched. */
function cached(cache: RepoCache, id: ModelId): string {
  const commit = cache.commitOf(id.revision);
  if (commit) return cache.snapshot(commit);
  throw new UserError(
    `${id.repo} is not in the cache (${cache.dir}), and HF_HUB_OFFLINE forbids downloading it.`,
    `Unset HF_HUB_OFFLINE, then run: ${downloadCommand(id)}`,
  );
}

function total(files: Listing["files"], of = ({ size }: RepoFile) => size): number {
  return files.reduce((sum, file) => sum + of(file), 0);
}

function requireSpace(plan: Plan, { repo }: ModelId, folder: string): void {
  const { bavail, bsize } = statfsSync(folder);
  const needed = plan.missing - plan.begun;
  if (needed > bavail * bsize)
    throw new UserError(
      `${repo} needs ${bytes(needed)} more in ${folder}, where ${bytes(bavail * bsize)} are free.`,
      "Free some space, or choose another disk by HF_HOME, or fewer files by --include and --exclude.",
    );
}

/** An error of the file system, as the user's to mend; any other as it is. */
function diskFault(error: unknown, dir: string): unknown {
  if (!(error instanceof Error) || !("syscall" in error)) return error;
  const { code } = error as NodeJS.ErrnoException;
  const full = code === "ENOSPC" || code === "EDQUOT";
  return new UserError(
    full ? `The disk is full: ${dir} takes no more.` : `${dir} cannot be written (${error.message}).`,
    `${full ? "Free some space" : "Check its permissions, or choose another place by HF_HOME"} and run the same command again; what has come is kept, and it goes on from there.`,
  );
}
