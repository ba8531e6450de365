/** @file One file from the hub to its place under its hash: taken up where it was left, and looked at before it counts. */
import { createHash } from "node:crypto";
import { createReadStream, renameSync, rmSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { UserError } from "../util/errors.ts";
import { sync } from "../util/files.ts";
import type { Response } from "../util/http.ts";
import type { Hub } from "./hub.ts";
import { type RepoCache, sizeOf } from "./hub-cache.ts";
import type { RepoFile } from "./listing.ts";
import type { Wanted } from "./refusal.ts";
import { chunks, get } from "./request.ts";
import { type Patience, retrying, Transient } from "./retry.ts";

/** A file of a commit. */
export interface Source {
  readonly repo: string;
  readonly commit: string;
  readonly file: RepoFile;
}

/** Bytes of a file that earlier attempts have left. */
export function begun(cache: RepoCache, file: RepoFile): number {
  return Math.min(sizeOf(incomplete(cache, file)) ?? 0, file.size);
}

/**
 * Brings a file into the cache's blobs. `onBytes` is told how many of its bytes are there.
 * @throws UserError when it may not be had or its content is not what was listed, and then nothing of it is left; when the
 * hub is given up or the signal fires, what has come is left for the next time
 */
export async function fetchBlob(
  hub: Hub,
  cache: RepoCache,
  source: Source,
  patience: Patience,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const { file } = source;
  const partial = incomplete(cache, file);
  if ((sizeOf(partial) ?? 0) > file.size) rmSync(partial);
  // "a" makes the file where there is none; what it holds is kept.
  await (await open(partial, "a")).close();
  await retrying(
    patience,
    () => receive(hub, source, partial, patience.signal, onBytes),
    () => sizeOf(partial) ?? 0,
  );
  const found = await hashOf(partial, file);
  if (found !== file.etag) {
    rmSync(partial);
    throw new UserError(
      `${file.path} of ${source.repo} has the hash ${found}, but ${file.etag} is listed; what has come was discarded.`,
      "Run the same command again. If it fails again, the server or something before it changes the file.",
    );
  }
  sync(partial);
  renameSync(partial, cache.blob(file));
}

function incomplete(cache: RepoCache, file: RepoFile): string {
  return `${cache.blob(file)}.incomplete`;
}

/** One attempt at the bytes that are missing. Each is written at its own place, so that nothing depends on who wrote the others. */
async function receive(
  hub: Hub,
  { repo, commit, file }: Source,
  partial: string,
  signal: AbortSignal | undefined,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const handle = await open(partial, "r+");
  try {
    let at = (await handle.stat()).size;
    if (at === file.size) return;
    const url = `${hub.endpoint}/${repo}/resolve/${commit}/${file.path.split("/").map(encodeURIComponent).join("/")}`;
    const wanted: Wanted = { repo, revision: commit, file: file.path };
    const response = await get(hub, url, wanted, { start: at, signal });
    const start = startOf(response);
    if (start !== at) {
      await handle.truncate(0);
      at = 0;
    }
    if (start !== at) throw new Transient(`the server returned the wrong byte range of ${file.path}`);
    for await (const chunk of chunks(response)) {
      if (at + chunk.length > file.size) throw await tooLong(handle, repo, file);
      await writeAll(handle, chunk, at);
      at += chunk.length;
      onBytes(at);
    }
    if (at < file.size) throw new Transient(`${file.path} ended after ${at} of ${file.size} bytes`);
  } finally {
    await handle.close();
  }
}

/** Where a body begins in the file; undefined when it is none of the file's. */
function startOf({ status, headers }: Response): number | undefined {
  if (status === 200) return 0;
  const [, start] = /^bytes (\d+)-/.exec(headers.get("content-range") ?? "") ?? [];
  return status === 206 && start !== undefined ? Number(start) : undefined;
}

async function writeAll(handle: FileHandle, chunk: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    done += (await handle.write(chunk, done, chunk.length - done, at + done)).bytesWritten;
  }
}

async function tooLong(handle: FileHandle, repo: string, file: RepoFile): Promise<UserError> {
  await handle.truncate(0);
  return new UserError(
    `${file.path} of ${repo} is longer than the ${file.size} bytes that are listed; what has come was discarded.`,
    "Run the same command again. If it fails again, the server or something before it changes the file.",
  );
}

/** The hash of a file as `etag` gives it: SHA-256, or git's SHA-1 of a blob. */
async function hashOf(path: string, { size, etag }: RepoFile): Promise<string> {
  const hash = etag.length === 64 ? createHash("sha256") : createHash("sha1").update(`blob ${size}\0`);
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(chunk as Uint8Array);
  return hash.digest("hex");
}
