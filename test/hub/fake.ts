/**
 * @file A Hugging Face hub for tests: two servers on this machine, the hub and the host that it redirects large files to, and
 * the ways in which they fail.
 */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll } from "vitest";

type Answer = (request: IncomingMessage, response: ServerResponse, content: Buffer) => void;

/** The commit of everything here. */
export const COMMIT = "0123456789abcdef0123456789abcdef01234567";
export const REPO = "org/model-1.5B";

export class FakeHub {
  readonly files: Map<string, Buffer>;
  /** Every request: `hub /path` or `cdn /path`, its range and its authorization. */
  readonly requests: { readonly to: string; readonly range?: string; readonly authorization?: string }[] = [];
  /** How the next requests for a listing, and for the content of a file, are answered instead of well. */
  readonly listings: Answer[] = [];
  readonly contents: Answer[] = [];
  readonly #hub: Server;
  readonly #cdn: Server;

  constructor(files: Readonly<Record<string, Buffer | string>>) {
    this.files = new Map(Object.entries(files).map(([path, content]) => [path, Buffer.from(content)]));
    this.#hub = createServer((request, response) => this.#answerHub(request, response));
    this.#cdn = createServer((request, response) => this.#answerContent("cdn", request, response));
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#hub.address() as AddressInfo).port}`;
  }

  /** Requests for the content of files, as `path range`. */
  get fetched(): string[] {
    const content = this.requests.filter(({ to }) => /^cdn|\.(json|txt|jinja)$/.test(to));
    return content.map(({ to, range = "whole" }) => `${to.split("/").at(-1)} ${range}`);
  }

  async start(): Promise<this> {
    for (const server of [this.#hub, this.#cdn]) {
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    }
    return this;
  }

  stop(): void {
    for (const server of [this.#hub, this.#cdn]) {
      server.closeAllConnections();
      server.close();
    }
  }

  #answerHub(request: IncomingMessage, response: ServerResponse): void {
    const path = decodeURIComponent(request.url!.replace(/\?.*/, ""));
    const [, repo, revision] = /^\/api\/models\/(.+?)\/revision\/(.+)$/.exec(path) ?? [];
    if (revision !== undefined) this.#answerListing(repo!, revision, request, response);
    else if (isLarge(path)) this.#redirect(path.split(`/${COMMIT}/`)[1]!, request, response);
    else this.#answerContent("hub", request, response);
  }

  #answerListing(repo: string, revision: string, request: IncomingMessage, response: ServerResponse): void {
    this.#note("hub", request);
    const known = [COMMIT, "main", "v1", "refs/pr/2"].includes(revision);
    const well = repo !== REPO ? refuse(404, "RepoNotFound") : known ? serve : refuse(404, "RevisionNotFound");
    (this.listings.shift() ?? well)(request, response, Buffer.from(JSON.stringify(this.listing())));
  }

  #redirect(file: string, request: IncomingMessage, response: ServerResponse): void {
    this.#note("hub", request);
    const { port } = this.#cdn.address() as AddressInfo;
    response.writeHead(302, { location: `http://127.0.0.1:${port}/signed/${COMMIT}/${file}` }).end();
  }

  /** What the hub says of the model. */
  listing(): object {
    const siblings = [...this.files].map(([rfilename, content]) => ({
      rfilename,
      size: content.length,
      blobId: gitHash(content),
      ...(isLarge(rfilename) && { lfs: { sha256: sha256(content), size: content.length, pointerSize: 130 } }),
    }));
    return { id: REPO, sha: COMMIT, siblings };
  }

  #answerContent(to: "hub" | "cdn", request: IncomingMessage, response: ServerResponse): void {
    this.#note(to, request);
    const content = this.files.get(decodeURIComponent(request.url!).split(`/${COMMIT}/`)[1]!)!;
    (this.contents.shift() ?? serve)(request, response, content);
  }

  #note(to: string, { url, headers: { range, authorization } }: IncomingMessage): void {
    this.requests.push({ to: `${to} ${url}`, ...(range && { range }), ...(authorization && { authorization }) });
  }
}

/** A hub that is there until the file's tests are done. */
export async function startHub(files: Readonly<Record<string, Buffer | string>>): Promise<FakeHub> {
  const hub = await new FakeHub(files).start();
  afterAll(() => hub.stop());
  return hub;
}

/** As it should be: the bytes asked for. */
export const serve: Answer = ({ headers }, response, content) => {
  const start = startOf(headers.range);
  const range = start > 0 && { "content-range": `bytes ${start}-${content.length - 1}/${content.length}` };
  response.writeHead(range ? 206 : 200, { "content-length": content.length - start, ...range });
  response.end(content.subarray(start));
};

/** The connection breaks after so many bytes. */
export function drop(after: number): Answer {
  return (request, response, content) => {
    const start = startOf(request.headers.range);
    const head = { "content-length": content.length - start, "content-range": `bytes ${start}-` };
    response.writeHead(start > 0 ? 206 : 200, head);
    response.write(content.subarray(start, start + after), () => setTimeout(() => response.destroy(), 10));
  };
}

/** A status, with what the hub says of it. */
export function refuse(status: number, code?: string, headers: Record<string, string> = {}): Answer {
  return (_, response) => {
    response.writeHead(status, { ...(code && { "x-error-code": code }), ...headers }).end("<html>sorry</html>");
  };
}

/** Some bytes, whatever was asked for, of which the length is what it is. */
export function say(content: Buffer | string, status = 200, headers: Record<string, string> = {}): Answer {
  return (_, response) => void response.writeHead(status, headers).end(content);
}

/** Large files are kept apart and hashed by SHA-256. */
function isLarge(path: string): boolean {
  return /\.(safetensors|bin)$/.test(path);
}

function startOf(range: string | undefined): number {
  return Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1] ?? 0);
}

export function sha256(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}

export function gitHash(content: Buffer): string {
  return createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
}
