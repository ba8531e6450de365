/**
 * @file Uploads a folder to a model repository of the hub, as one commit. What the hub has already is not sent again, so a push that broke
 * off goes on where it stopped. The token goes to the hub alone, and no message has it.
 */

import { readdirSync, statSync } from "node:fs";
import { join, posix } from "node:path";
import { pathToFileURL } from "node:url";
import { UserError } from "../util/errors.ts";
import { reasonOf, request } from "../util/http.ts";
import type { Hub } from "./hub.ts";
import { parseId } from "./id.ts";
import { type Patience, retrying, Transient } from "./retry.ts";

export interface PushOptions extends Patience {
  /** Told of the bytes that the hub has by now, of all that are to be there; after an attempt that fails it may have fewer. */
  readonly onBytes?: (done: number, total: number) => void;
}

/** `fetch` by the proxy of the environment, as the library takes it. */
const proxied = request as unknown as typeof fetch;

export class Push {
  readonly #hub: Hub;
  readonly #token: string;
  readonly #repo: string;

  /** To the repository `org/name`. @throws UserError when it cannot be one, there is no token, or the network must not be used */
  constructor(hub: Hub, repo: string) {
    if (parseId(repo)?.repo !== repo)
      throw new UserError(`${repo} is not the name of a repository.`, "Write it as org/name, or your-account/name.");
    if (hub.offline) throw new UserError("HF_HUB_OFFLINE forbids the network.", "Unset it to upload.");
    const tokens = `${hub.endpoint}/settings/tokens`;
    if (hub.token === undefined)
      throw new UserError(
        "Uploading needs a token.",
        `Make one at ${tokens} that may write, and set HF_TOKEN to it, or run \`hf auth login\`.`,
      );
    if (!/^hf_\w+$/.test(hub.token))
      throw new UserError("HF_TOKEN is not a token of the hub, which begins with hf_.", `Make one at ${tokens}.`);
    this.#hub = hub;
    this.#token = hub.token;
    this.#repo = repo;
  }

  /** Makes the repository, private, if it is not there, and commits the files of a folder. Gives the commit's address. @throws UserError */
  async send(folder: string, { onBytes, ...patience }: PushOptions = {}): Promise<string> {
    // Loaded for those who upload.
    const { commitIter, createRepo } = await import("@huggingface/hub");
    const to = { repo: this.#repo, accessToken: this.#token, hubUrl: this.#hub.endpoint, fetch: proxied };
    await retrying(patience, () =>
      createRepo({ ...to, visibility: "private" }).catch((error: unknown) => {
        // It is there.
        if (statusOf(error) !== 409) throw this.#refused(error);
      }),
    );
    const paths = filesIn(folder);
    const sizes = new Map(paths.map((path) => [path, statSync(join(folder, path)).size]));
    const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
    const operations = paths.map((path) => ({
      operation: "addOrUpdate" as const,
      path,
      content: pathToFileURL(join(folder, path)),
    }));
    const { signal } = patience;
    return await retrying(patience, async () => {
      const shares = new Map<string, number>();
      onBytes?.(0, total);
      try {
        const title = "Upload by grit export";
        const events = commitIter({ ...to, operations, title, ...(signal && { abortSignal: signal }) });
        for (;;) {
          const { done, value } = await events.next();
          if (done) {
            onBytes?.(total, total);
            return value?.commit.url ?? `${this.#hub.endpoint}/${this.#repo}`;
          }
          if (value.event !== "fileProgress" || value.state !== "uploading") continue;
          shares.set(value.path, value.progress);
          onBytes?.(
            [...shares].reduce((sum, [path, share]) => sum + share * sizes.get(path)!, 0),
            total,
          );
        }
      } catch (error) {
        signal?.throwIfAborted();
        throw this.#refused(error);
      }
    });
  }

  /** What an error of the library means, and what to do about it. */
  #refused(error: unknown): Error {
    const status = statusOf(error);
    // `fetch` that fails throws a TypeError.
    if (status === undefined && !(error instanceof TypeError)) return error as Error;
    const said = reasonOf(error).replaceAll(this.#token, "…").replaceAll(/\s+/g, " ").slice(0, 300);
    const { endpoint } = this.#hub;
    if (status === undefined || status >= 500 || status === 408 || status === 429)
      return new Transient(`${new URL(endpoint).host} ${status ? `answers ${status}` : "cannot be reached"} (${said})`);
    if (status === 401)
      return new UserError(
        `${endpoint} does not accept the token of HF_TOKEN or \`hf auth login\` (status 401).`,
        `Make a new one at ${endpoint}/settings/tokens.`,
      );
    if (status === 403)
      return new UserError(
        `The token may not write to ${this.#repo} (status 403).`,
        `Make one at ${endpoint}/settings/tokens that may, or name a repository of yours.`,
      );
    return new UserError(
      `${endpoint} refuses ${this.#repo}: ${said} (status ${status}).`,
      "Run the same command again.",
    );
  }
}

function statusOf(error: unknown): number | undefined {
  const status = (error as { readonly statusCode?: unknown } | undefined)?.statusCode;
  return typeof status === "number" ? status : undefined;
}

/** The paths of the files in a folder, below it. */
function filesIn(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const below = (path: string) => path.slice(folder.length + 1).replaceAll("\\", "/");
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => posix.normalize(below(join(parentPath, name))))
    .sort();
}
