/** @file What the hub lists of a model: the commit of a revision, its files, their sizes and hashes. */
import { z } from "zod";
import { UserError } from "../util/errors.ts";
import type { Hub } from "./hub.ts";
import { type ModelId, staysInside } from "./id.ts";
import { get, read } from "./request.ts";
import { type Patience, retrying } from "./retry.ts";

export interface RepoFile {
  /** Within the repository, with `/`. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Hash of the content: its SHA-256 for a large (LFS) file, else git's SHA-1 of it as a blob. Hexadecimal, lower case. */
  readonly etag: string;
}

export interface Listing {
  readonly commit: string;
  readonly files: readonly RepoFile[];
}

const sha1 = z.string().regex(/^[0-9a-f]{40}$/);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
/** `GET /api/models/{repo}/revision/{revision}?blobs=true`, as far as it is used. Names become paths here, so they are checked as paths. */
const answer = z.object({
  sha: sha1,
  siblings: z.array(
    z.object({
      rfilename: z.string().refine(staysInside, "is not a path inside the repository"),
      size: z.int().nonnegative(),
      blobId: sha1,
      lfs: z.object({ sha256 }).nullish(),
    }),
  ),
});

/** Bytes of a listing; one of a thousand files has less than 1 MB. */
const LONGEST_LISTING = 50e6;

/** @throws UserError when there is no such model or revision, it may not be read, or the server is not a hub */
export async function list(hub: Hub, id: ModelId, patience: Patience): Promise<Listing> {
  const url = `${hub.endpoint}/api/models/${id.repo}/revision/${encodeURIComponent(id.revision)}?blobs=true`;
  const text = await retrying(patience, async () =>
    read(await get(hub, url, id, { signal: patience.signal }), LONGEST_LISTING),
  );
  const { data, error } = answer.safeParse(jsonIn(text));
  if (error)
    throw new UserError(
      `${hub.endpoint} does not answer as a Hugging Face hub about ${id.repo}: ${z.prettifyError(error)}`,
      "Is HF_ENDPOINT right?",
    );
  const files = data.siblings.map(({ rfilename, size, blobId, lfs }) => ({
    path: rfilename,
    size,
    etag: lfs?.sha256 ?? blobId,
  }));
  return { commit: data.sha, files };
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
