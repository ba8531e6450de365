/** @file Uploads to a hub on this machine that refuses, breaks off and has some files already. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { sha256, startUploads } from "../../test/hub/fake-uploads.ts";
import { scratch } from "../../test/tiny.ts";
import type { Hub } from "./hub.ts";
import { Push } from "./push.ts";

const TOKEN = "hf_secretsecret";
const uploads = await startUploads(TOKEN);
const folder = scratch();
const weights = Buffer.alloc(3_000_000, "weights");
const files: Record<string, Buffer> = {
  "README.md": Buffer.from("# mine"),
  "model.safetensors": weights,
  "more/notes.txt": Buffer.from("notes"),
};
mkdirSync(join(folder, "more"));
for (const [path, content] of Object.entries(files)) writeFileSync(join(folder, path), content);

/** By path: comparing millions of bytes one by one takes seconds. */
const hashes = (all: Iterable<[string, Buffer]>) => [...all].map(([path, content]) => [path, sha256(content)]).sort();

const hub: Hub = { endpoint: uploads.endpoint, cache: "", token: TOKEN, offline: false };
const notices: string[] = [];
/** Does not wait between attempts. */
const patience = { wait: async () => {}, onNotice: (text: string) => void notices.push(text) };

beforeEach(() => {
  uploads.repos.clear();
  uploads.stored.clear();
  uploads.requests.length = 0;
  uploads.faults.length = 0;
  notices.length = 0;
});

describe("a push", () => {
  it("makes a private repository, and commits every file; the storage never hears the token", async () => {
    expect(await new Push(hub, "org/mine").send(folder, patience)).toBe(`${uploads.endpoint}/org/mine/commit/c0ffee`);
    expect([...uploads.repos]).toEqual([["org/mine", true]]);
    expect(hashes(uploads.committed)).toEqual(hashes(Object.entries(files)));
    expect([...uploads.stored.keys()]).toEqual([sha256(weights)]);
    for (const { to, authorization } of uploads.requests)
      expect([to, authorization]).toEqual([to, /storage/.test(to) ? undefined : `Bearer ${TOKEN}`]);
  });

  it("of a repository that is there, sends only what it does not have", async () => {
    uploads.repos.set("org/mine", false);
    uploads.stored.set(sha256(weights), weights);
    await new Push(hub, "org/mine").send(folder, patience);
    expect(uploads.requests.some(({ to }) => to.startsWith("PUT"))).toBe(false);
    expect(hashes(uploads.committed)).toEqual(hashes(Object.entries(files)));
  });

  it("tells of the bytes that have arrived, anew when it is tried again", async () => {
    uploads.faults.push({ at: /POST .*\/commit\//, answer: (response) => void response.destroy() });
    const heard: number[] = [];
    const total = Object.values(files).reduce((sum, { length }) => sum + length, 0);
    await new Push(hub, "org/mine").send(folder, {
      ...patience,
      onBytes: (done, all) => {
        expect(all).toBe(total);
        heard.push(done);
      },
    });
    const again = heard.lastIndexOf(0, heard.length - 1);
    const first = heard.slice(0, heard.indexOf(weights.length) + 1);
    expect([first[0], first.at(-1), heard.at(-1)]).toEqual([0, weights.length, total]);
    expect(heard.slice(again)).toContain(weights.length);
    expect(heard).toEqual([
      ...heard.slice(0, again).sort((a, b) => a - b),
      ...heard.slice(again).sort((a, b) => a - b),
    ]);
  });

  it("that breaks off is tried again, and does not send twice what has arrived", async () => {
    uploads.faults.push({ at: /POST .*\/commit\//, answer: (response) => void response.destroy() });
    uploads.faults.push({ at: /preupload/, answer: (response) => void response.writeHead(503).end("busy") });
    await new Push(hub, "org/mine").send(folder, patience);
    expect(uploads.requests.filter(({ to }) => to.startsWith("PUT"))).toHaveLength(1);
    expect(notices).toHaveLength(2);
    expect(hashes(uploads.committed)).toEqual(hashes(Object.entries(files)));
  });

  it.each([
    [401, /does not accept the token/],
    [403, /may not write to org\/mine/],
    [400, /refuses org\/mine: .*card/],
  ])("that is refused with %i says why and what to do, never the token", async (status, message) => {
    const answer = JSON.stringify({ error: `bad card of ${TOKEN}` });
    uploads.faults.push({
      at: /\/commit\//,
      answer: (response) => void response.writeHead(status, { "content-type": "application/json" }).end(answer),
    });
    const failed = await new Push(hub, "org/mine").send(folder, patience).catch((error: Error) => error);
    expect(failed).toMatchObject({ name: "UserError", message: expect.stringMatching(message) });
    expect(`${(failed as Error).message}${(failed as Error).stack}${notices}`).not.toContain(TOKEN);
  });

  it("is stopped by its signal", async () => {
    const controller = new AbortController();
    uploads.faults.push({ at: /preupload/, answer: () => controller.abort(new Error("enough")) });
    await expect(new Push(hub, "org/mine").send(folder, { ...patience, signal: controller.signal })).rejects.toThrow(
      "enough",
    );
  });

  it.each([
    [{ token: undefined }, "org/mine", /needs a token/],
    [{ token: "sk-other" }, "org/mine", /not a token of the hub/],
    [{ offline: true }, "org/mine", /HF_HUB_OFFLINE/],
    [{}, "mine", /not the name of a repository/],
    [{}, "org/mine@v1", /not the name of a repository/],
    [{}, "../etc/passwd", /not the name of a repository/],
  ])("with %j to %s is refused before anything is sent", (changes, repo, message) => {
    expect(() => new Push({ ...hub, ...changes }, repo)).toThrow(message);
    expect(uploads.requests).toEqual([]);
  });
});
