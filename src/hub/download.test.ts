import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { COMMIT, drop, gitHash, REPO, refuse, say, serve, sha256, startHub } from "../../test/hub/fake.ts";
import { scratch } from "../../test/tiny.ts";
import { UserError } from "../util/errors.ts";
import { type DownloadOptions, download, type Plan } from "./download.ts";
import type { Hub } from "./hub.ts";

const weights = Buffer.from(Uint32Array.from({ length: 75_000 }, (_, i) => (i * 2654435761) >>> 0).buffer);
const config = Buffer.from('{ "model_type": "tiny", "name": "Zürich" }');
const fake = await startHub({
  "config.json": config,
  "empty.txt": "",
  "model.safetensors": weights,
  "README.md": "# A model",
  "pytorch_model.bin": "a pickle",
  "modeling.py": "import os",
  "sub/config.json": "{}",
});
const files = new Map(fake.files);
const dir = scratch();
const weightsHash = sha256(weights);

let hub: Hub;
let waits: number[];
let folder: string;
let runs = 0;
beforeEach(() => {
  hub = { endpoint: fake.endpoint, cache: join(dir, String(runs++)), token: undefined, offline: false };
  folder = join(hub.cache, "models--org--model-1.5B");
  waits = [];
  fake.files.clear();
  for (const [path, content] of files) fake.files.set(path, content);
  for (const list of [fake.requests, fake.listings, fake.contents]) list.length = 0;
});

function get(options: DownloadOptions = {}, revision = "main"): Promise<string> {
  return download(hub, { repo: REPO, revision }, { wait: async (ms) => void waits.push(ms), ...options });
}

async function faultOf(work: Promise<unknown>): Promise<string> {
  const error = await work.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(UserError);
  return (error as UserError).message;
}

/** Every file and link below a folder, links with what they say. */
function tree(of: string): string[] {
  return readdirSync(of, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const name = path.slice(of.length + 1);
      return entry.isSymbolicLink() ? `${name} -> ${readlinkSync(path)}` : name;
    })
    .sort();
}

const incomplete = () => join(folder, "blobs", `${weightsHash}.incomplete`);

/** Lets `bytes` of the weights come, and then nothing more. */
async function breakOff(bytes: number): Promise<void> {
  fake.contents.push(serve, drop(bytes));
  for (let i = 0; i < 6; i++) fake.contents.push(refuse(503));
  await faultOf(get());
  fake.contents.length = 0;
  fake.requests.length = 0;
}

describe("a download", () => {
  test("lays the cache out as huggingface_hub does", async () => {
    expect(await get()).toBe(join(folder, "snapshots", COMMIT));
    expect(tree(hub.cache)).toEqual(
      [
        `models--org--model-1.5B/blobs/${gitHash(Buffer.alloc(0))}`,
        `models--org--model-1.5B/blobs/${gitHash(config)}`,
        `models--org--model-1.5B/blobs/${weightsHash}`,
        "models--org--model-1.5B/refs/main",
        `models--org--model-1.5B/snapshots/${COMMIT}/config.json -> ../../blobs/${gitHash(config)}`,
        `models--org--model-1.5B/snapshots/${COMMIT}/empty.txt -> ../../blobs/${gitHash(Buffer.alloc(0))}`,
        `models--org--model-1.5B/snapshots/${COMMIT}/model.safetensors -> ../../blobs/${weightsHash}`,
      ].sort(),
    );
    expect(readFileSync(join(folder, "refs", "main"), "utf8")).toBe(COMMIT);
    expect(readFileSync(join(folder, "snapshots", COMMIT, "model.safetensors"))).toEqual(weights);
  });

  test("puts a file of a folder into that folder", async () => {
    await get({ include: ["sub/*"] });
    const path = join(folder, "snapshots", COMMIT, "sub", "config.json");
    expect(readlinkSync(path)).toBe(`../../../blobs/${gitHash(Buffer.from("{}"))}`);
    expect(readFileSync(path, "utf8")).toBe("{}");
  });

  test("fetches nothing that is there, and says how far it is", async () => {
    const plans: Plan[] = [];
    const seen: [number, string][] = [];
    await get({ onPlan: (plan) => plans.push(plan), onBytes: (...bytes) => seen.push(bytes) });
    const all = config.length + weights.length;
    expect(plans[0]).toMatchObject({ commit: COMMIT, missing: all, begun: 0, refused: [] });
    expect(seen[0]).toEqual([config.length, "config.json"]);
    expect(seen.at(-1)).toEqual([all, "model.safetensors"]);
    fake.requests.length = 0;
    await get({ onPlan: (plan) => plans.push(plan) });
    expect(plans[1]).toMatchObject({ missing: 0 });
    expect(fake.fetched).toEqual([]);
  });

  test.each(["v1", "refs/pr/2"])("notes what the revision %s stands for", async (revision) => {
    await get({ include: ["config.json"] }, revision);
    expect(readFileSync(join(folder, "refs", revision), "utf8")).toBe(COMMIT);
    expect(existsSync(join(folder, "refs", "main"))).toBe(false);
  });

  test("of a commit needs no note", async () => {
    await get({ include: ["config.json"] }, COMMIT);
    expect(existsSync(join(folder, "refs"))).toBe(false);
  });

  test("says who asks to the hub, and to no other host", async () => {
    hub = { ...hub, token: "hf_secret" };
    await get();
    const told = fake.requests.map(({ to, authorization }) => `${to.slice(0, 3)} ${authorization}`);
    expect(told).toContain("cdn undefined");
    expect(new Set(told)).toEqual(new Set(["hub Bearer hf_secret", "cdn undefined"]));
  });

  test("fetches once what two want at the same time", async () => {
    const notices: string[] = [];
    await Promise.all([get(), get({ onNotice: (text) => notices.push(text) })]);
    expect(fake.fetched.toSorted()).toEqual(["config.json whole", "model.safetensors whole"]);
    expect(notices).toHaveLength(1);
    expect(notices[0]).toMatch(`${REPO} is being downloaded by process ${process.pid} on `);
  });

  test("replaces what is under its name but of another size", async () => {
    await get();
    const blob = join(folder, "blobs", weightsHash);
    writeFileSync(blob, "cut");
    await get();
    expect(readFileSync(blob)).toEqual(weights);
  });
});

describe("a poor line", () => {
  test("is no fault: each attempt goes on where the last one broke", async () => {
    fake.contents.push(serve, drop(100_000), drop(50_000), drop(60_000));
    const notices: string[] = [];
    await get({ onNotice: (text) => notices.push(text) });
    expect(fake.fetched.slice(1)).toEqual([
      "model.safetensors whole",
      "model.safetensors bytes=100000-",
      "model.safetensors bytes=150000-",
      "model.safetensors bytes=210000-",
    ]);
    expect(waits).toEqual([1000, 1000, 1000]);
    expect(notices[0]).toMatch(/^the connection was lost \(.+\); trying again in 1 s$/);
    expect(readFileSync(join(folder, "blobs", weightsHash))).toEqual(weights);
  });

  test("is given up when nothing comes at all, and what has come waits for the next time", async () => {
    fake.contents.push(serve, drop(100_000));
    for (let i = 0; i < 6; i++) fake.contents.push(drop(0));
    const message = await faultOf(get());
    expect(message).toMatch(/the connection was lost .*6 times in a row\.\n {2}Run the same command again later/);
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000]);
    expect(statSync(incomplete()).size).toBe(100_000);
    expect(existsSync(join(folder, "snapshots"))).toBe(false);
    expect(existsSync(join(folder, "refs"))).toBe(false);

    fake.contents.length = 0;
    fake.requests.length = 0;
    const plans: Plan[] = [];
    await get({ onPlan: (plan) => plans.push(plan) });
    expect(plans[0]).toMatchObject({ missing: weights.length, begun: 100_000 });
    expect(fake.fetched).toEqual(["model.safetensors bytes=100000-"]);
  });

  test("waits as long as it is asked to, in seconds or until a date", async () => {
    const date = new Date(Date.now() + 90_000).toUTCString();
    fake.listings.push(refuse(429, undefined, { "retry-after": "7" }), refuse(503, undefined, { "retry-after": date }));
    await get();
    expect(waits[0]).toBe(7000);
    expect(waits[1]).toBeGreaterThan(85_000);
    expect(waits[1]).toBeLessThanOrEqual(90_000);
  });

  test("is given up when it is asked to wait for hours", async () => {
    fake.listings.push(refuse(429, undefined, { "retry-after": "7200" }));
    expect(await faultOf(get())).toMatch(/answers 429: too many requests, and asks to wait 2 h 00 min\./);
    expect(waits).toEqual([]);
  });

  test("cannot reach a hub that is not there", async () => {
    hub = { ...hub, endpoint: "http://127.0.0.1:9" };
    expect(await faultOf(get())).toMatch(/^127\.0\.0\.1:9 cannot be reached \(.+\), 6 times in a row/);
  });

  test("is left at once by a signal, and gone on with later", async () => {
    const controller = new AbortController();
    const stopping = get({
      signal: controller.signal,
      onBytes: (_, file) => file === "model.safetensors" && controller.abort(),
    });
    fake.contents.push(serve, drop(weights.length - 1));
    await expect(stopping).rejects.toThrow(/abort/);
    const come = statSync(incomplete()).size;
    expect(come).toBeGreaterThan(0);
    fake.contents.length = 0;
    await get();
    expect(fake.fetched.at(-1)).toBe(`model.safetensors bytes=${come}-`);
  });
});

describe("a server that lies", () => {
  test.each<[string, Parameters<typeof fake.contents.push>[0]]>([
    ["ignores the range", say(weights)],
    ["sends another range", say(weights.subarray(50_000), 206, { "content-range": "bytes 50000-299999/300000" })],
    ["has no such range", refuse(416)],
  ])("and %s makes the file begin anew", async (_, lie) => {
    await breakOff(100_000);
    fake.contents.push(lie);
    await get();
    expect(readFileSync(join(folder, "blobs", weightsHash))).toEqual(weights);
  });

  test("about the length, too much: the rest is asked for", async () => {
    fake.contents.push(serve, (_, response) => {
      response.writeHead(200, { "content-length": weights.length + 1000 });
      response.write(weights, () => setTimeout(() => response.destroy(), 10));
    });
    await get();
    expect(readFileSync(join(folder, "blobs", weightsHash))).toEqual(weights);
  });

  test("about the length, too little: the rest is asked for", async () => {
    fake.contents.push(serve, say(weights.subarray(0, 1234)));
    await get();
    expect(fake.fetched.slice(1)).toEqual(["model.safetensors whole", "model.safetensors bytes=1234-"]);
  });

  test("and never sends the end is given up", async () => {
    fake.contents.push(serve, say(weights.subarray(0, 1234)));
    for (let i = 0; i < 6; i++) fake.contents.push(say("", 206, { "content-range": "bytes 1234-1233/300000" }));
    expect(await faultOf(get())).toMatch(/model\.safetensors ended after 1234 of 300000 bytes, 6 times in a row/);
  });

  test("and sends more than is listed is not believed", async () => {
    fake.contents.push(serve, say(Buffer.concat([weights, Buffer.from("!")])));
    expect(await faultOf(get())).toMatch(
      /is longer than the 300000 bytes that are listed; what has come was discarded/,
    );
    expect(statSync(incomplete()).size).toBe(0);
  });

  test.each([
    ["model.safetensors", weightsHash],
    ["config.json", gitHash(config)],
  ])("about the content of %s is found out", async (name, hash) => {
    const wrong = Buffer.from(files.get(name)!);
    wrong[10]! ^= 1;
    fake.files.set(name, wrong);
    const listing = fake.listing();
    fake.files.set(name, files.get(name)!);
    // The listing has the hash of other bytes than those that come.
    fake.listings.push(say(JSON.stringify(listing)));
    const message = await faultOf(get());
    expect(message).toContain(`${name} of ${REPO} has the hash ${hash}, but `);
    expect(message).toContain("what has come was discarded");
    expect(tree(hub.cache).filter((path) => /incomplete|snapshots|refs/.test(path))).toEqual([]);
    await get();
  });

  test("cannot spoil a file that was begun by another: what is wrong in it is found out", async () => {
    mkdirSync(join(folder, "blobs"), { recursive: true });
    writeFileSync(incomplete(), Buffer.alloc(1000));
    expect(await faultOf(get())).toContain("has the hash");
    expect(existsSync(incomplete())).toBe(false);
  });

  test("or another that left too much of a file, only makes it begin anew", async () => {
    mkdirSync(join(folder, "blobs"), { recursive: true });
    writeFileSync(incomplete(), Buffer.alloc(weights.length + 1));
    await get();
    expect(fake.fetched.at(-1)).toBe("model.safetensors whole");
  });

  test.each<[string, string | object]>([
    ["a page", "<html>Log in</html>"],
    ["no hashes", { sha: COMMIT, siblings: [{ rfilename: "config.json" }] }],
    ["a path that leaves", { sha: COMMIT, siblings: [{ rfilename: "../x.json", size: 1, blobId: "a".repeat(40) }] }],
    ["a commit that leaves", { sha: "../../x", siblings: [] }],
  ])("and lists %s is no hub", async (_, listing) => {
    fake.listings.push(say(typeof listing === "string" ? listing : JSON.stringify(listing)));
    expect(await faultOf(get())).toMatch(/does not answer as a Hugging Face hub about org\/model-1\.5B/);
    expect(existsSync(hub.cache)).toBe(false);
  });
});

describe("a refusal", () => {
  test.each<[number, string, string | undefined, RegExp]>([
    [401, "RepoNotFound", undefined, /is not public, or does not exist .*\n.*HF_TOKEN/],
    [401, "", "hf_old", /does not accept the token .*\n.*settings\/tokens/],
    [401, "GatedRepo", undefined, /is gated.*\n.*Accept them at http.*org\/model-1\.5B, then set HF_TOKEN/],
    [403, "GatedRepo", "hf_mine", /is gated.*\n.*Accept them/],
    [403, "", "hf_mine", /may not be read with this token \(status 403\)/],
    [404, "RepoNotFound", "hf_mine", /has no model org\/model-1\.5B/],
    [404, "RevisionNotFound", undefined, /has no revision main\.\n.*tree\/main/],
    [418, "", undefined, /refuses org\/model-1\.5B: status 418/],
  ])("%i %s says what to do", async (status, code, token, message) => {
    hub = { ...hub, token };
    fake.listings.push(refuse(status, code));
    const told = await faultOf(get());
    expect(told).toMatch(message);
    expect(told).not.toContain("hf_");
    expect(waits).toEqual([]);
    expect(existsSync(hub.cache)).toBe(false);
  });

  test("of a file leaves what had come, and nothing that looks complete", async () => {
    fake.contents.push(serve, refuse(403, "GatedRepo"));
    expect(await faultOf(get())).toMatch(/is gated/);
    expect(tree(folder)).toContain(`blobs/${gitHash(config)}`);
    expect(existsSync(join(folder, "snapshots"))).toBe(false);
  });

  test.each([429, 500, 502, 503])("%i may pass", async (status) => {
    fake.listings.push(refuse(status));
    fake.contents.push(refuse(status));
    await get();
    expect(waits).toEqual([1000, 1000]);
  });

  test("500 for ever is given up", async () => {
    for (let i = 0; i < 6; i++) fake.listings.push(refuse(500));
    expect(await faultOf(get())).toMatch(/answers 500, 6 times in a row\.\n.*again later/);
  });
});

describe("the disk", () => {
  test.skipIf(!existsSync("/dev/full"))("that fills up ends it, with what has come kept", async () => {
    mkdirSync(dirname(incomplete()), { recursive: true });
    symlinkSync("/dev/full", incomplete());
    const message = await faultOf(get());
    expect(message).toMatch(/^The disk is full: .*models--org--model-1\.5B takes no more\.\n.*goes on from there/);
    expect(existsSync(join(folder, "snapshots"))).toBe(false);
    rmSync(incomplete());
    await get();
  });

  test("without room for it is told before", async () => {
    const listing = { sha: COMMIT, siblings: [{ rfilename: "a.json", size: 2 ** 52, blobId: "a".repeat(40) }] };
    fake.listings.push(say(JSON.stringify(listing)));
    expect(await faultOf(get())).toMatch(/needs 4\.50e\+3 TB more in .*, where .* are free/);
    expect(fake.fetched).toEqual([]);
  });

  test("where nothing can be made is told", async () => {
    writeFileSync(hub.cache, "a file");
    expect(await faultOf(get())).toMatch(/models--org--model-1\.5B cannot be written \(.+\)\.\n.*HF_HOME/);
  });
});

describe("offline", () => {
  test("nothing is asked for; what is there is found", async () => {
    hub = { ...hub, offline: true };
    expect(await faultOf(get())).toMatch(/HF_HUB_OFFLINE forbids .*\n.*npx grit download org\/model-1\.5B$/);
    hub = { ...hub, offline: false };
    const there = await get();
    fake.requests.length = 0;
    hub = { ...hub, offline: true };
    expect(await get()).toBe(there);
    expect(fake.requests).toEqual([]);
  });
});
