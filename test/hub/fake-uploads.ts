/** @file A hub for tests that takes uploads: its own server, and the storage that large files are sent to. */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll } from "vitest";

interface Heard {
  readonly to: string;
  readonly authorization: string | undefined;
}

export class FakeUploads {
  readonly token: string;
  readonly requests: Heard[] = [];
  /** Repositories, with whether each is private. */
  readonly repos = new Map<string, boolean>();
  /** Large files by their SHA-256. */
  readonly stored = new Map<string, Buffer>();
  /** Files of the last commit by path. */
  committed = new Map<string, Buffer>();
  /** The next requests whose address matches are answered so instead of well. */
  readonly faults: { readonly at: RegExp; readonly answer: (response: ServerResponse) => void }[] = [];
  readonly #server: Server;

  constructor(token: string) {
    this.token = token;
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return this;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url = "", headers } = request;
    this.requests.push({ to: `${method} ${url}`, authorization: headers.authorization });
    const body = Buffer.concat(await request.toArray());
    const fault = this.faults.findIndex(({ at }) => at.test(`${method} ${url}`));
    if (fault >= 0) return this.faults.splice(fault, 1)[0]!.answer(response);
    const json = (value: object, status = 200) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
    if (url.startsWith("/storage/")) {
      this.stored.set(url.slice("/storage/".length), body);
      return void response.end();
    }
    if (headers.authorization !== `Bearer ${this.token}`) return void json({ error: "Invalid credentials" }, 401);
    if (url === "/api/repos/create") {
      const { organization, name, visibility } = JSON.parse(String(body));
      const repo = `${organization}/${name}`;
      if (this.repos.has(repo)) return void json({ error: "You already created this model repo" }, 409);
      this.repos.set(repo, visibility === "private");
      return void json({ url: `${this.endpoint}/${repo}`, id: "1" });
    }
    if (url.includes("/preupload/")) {
      const { files } = JSON.parse(String(body)) as { files: { path: string }[] };
      const modeOf = (path: string) => (/\.safetensors$/.test(path) ? "lfs" : "regular");
      return void json({ files: files.map(({ path }) => ({ path, uploadMode: modeOf(path) })) });
    }
    if (url.endsWith("/info/lfs/objects/batch")) {
      const { objects } = JSON.parse(String(body)) as { objects: { oid: string; size: number }[] };
      const answered = objects.map(({ oid, size }) => {
        const upload = { href: `${this.endpoint}/storage/${oid}` };
        return { oid, size, ...(!this.stored.has(oid) && { actions: { upload } }) };
      });
      return void json({ transfer: "basic", objects: answered });
    }
    this.#commit(String(body));
    return void json({ success: true, commitOid: "c0ffee", commitUrl: `${this.endpoint}/org/mine/commit/c0ffee` });
  }

  #commit(body: string): void {
    this.committed = new Map();
    for (const line of body.split("\n")) {
      const { key, value } = JSON.parse(line);
      if (key === "lfsFile") this.committed.set(value.path, this.stored.get(value.oid)!);
      if (key === "file") this.committed.set(value.path, Buffer.from(value.content, "base64"));
    }
  }
}

/** A hub that is there until the file's tests are done. */
export async function startUploads(token: string): Promise<FakeUploads> {
  const hub = await new FakeUploads(token).start();
  afterAll(() => hub.stop());
  return hub;
}

export function sha256(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
