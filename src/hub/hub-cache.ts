/**
 * @file The cache that all Hugging Face tools share, one folder a model:
 *
 *     models--org--name/
 *       blobs/<hash>                 each content once; <hash>.incomplete while it is fetched
 *       refs/<revision>              the commit that a branch or tag stood for when it was last fetched
 *       snapshots/<commit>/<path>    the files of a commit, as links to blobs
 *
 * A file's name in blobs/ is the hash of its content (see `RepoFile`), so what is there under its name is whole.
 */
import {
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { writeWhole } from "../util/files.ts";
import type { RepoFile } from "./listing.ts";

/** Error codes of systems without symbolic links, or without them for this user. */
const NO_LINKS = ["EPERM", "EACCES", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EINVAL"];

/** The folder of one model. */
export class RepoCache {
  readonly dir: string;

  /** @param repo `org/name` */
  constructor(cache: string, repo: string) {
    this.dir = join(cache, `models--${repo.replace("/", "--")}`);
  }

  blob(file: RepoFile): string {
    return join(this.dir, "blobs", file.etag);
  }

  snapshot(commit: string): string {
    return join(this.dir, "snapshots", commit);
  }

  /** The commit of a revision, if its download was completed. */
  commitOf(revision: string): string | undefined {
    const ref = join(this.dir, "refs", revision);
    const commit = existsSync(ref) && statSync(ref).isFile() ? readFileSync(ref, "utf8").trim() : revision;
    return existsSync(this.snapshot(commit)) ? commit : undefined;
  }

  /** Is the content of a file here, in the snapshot or under its hash? */
  has(commit: string, file: RepoFile): boolean {
    return sizeOf(join(this.snapshot(commit), file.path)) === file.size || sizeOf(this.blob(file)) === file.size;
  }

  /** Puts a file whose content is here into a snapshot: a relative link, or a copy where links cannot be made. */
  link(commit: string, file: RepoFile): void {
    const path = join(this.snapshot(commit), file.path);
    if (sizeOf(path) === file.size) return;
    const [blob, partial] = [this.blob(file), `${path}.partial`];
    mkdirSync(dirname(path), { recursive: true });
    rmSync(partial, { force: true });
    try {
      symlinkSync(relative(dirname(path), blob), partial);
    } catch (error) {
      if (!NO_LINKS.includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
      copyFileSync(blob, partial, constants.COPYFILE_FICLONE);
    }
    renameSync(partial, path);
  }

  /** Records which commit a revision stands for. A commit stands for itself. */
  setRef(revision: string, commit: string): void {
    if (revision !== commit) writeWhole(join(this.dir, "refs", revision), commit);
  }
}

/** The size of the file at a path, links followed; undefined if there is none. */
export function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}
