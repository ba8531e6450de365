import { type ChildProcess, spawn } from "node:child_process";
import { lstatSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { checkpointDir, goldenLines, grit, readLines, writeImage, writeLines } from "../../test/commands.ts";
import { COMMIT, REPO, serve, sha256, startHub } from "../../test/hub/fake.ts";
import { largestGap, scratch } from "../../test/tiny.ts";

const from = checkpointDir("tied");
const fake = await startHub({
  ...Object.fromEntries(readdirSync(from).map((name) => [name, readFileSync(join(from, name))])),
  "pytorch_model.bin": "a pickle",
});
const dir = scratch();
let home: string;
let runs = 0;

beforeEach(() => {
  home = join(dir, String(runs++));
  vi.stubEnv("HF_HOME", home).stubEnv("HF_ENDPOINT", fake.endpoint);
  for (const name of ["HF_TOKEN", "HF_TOKEN_PATH", "HF_HUB_CACHE", "HF_HUB_OFFLINE"]) vi.stubEnv(name, "");
  for (const list of [fake.requests, fake.listings, fake.contents]) list.length = 0;
});
afterEach(() => void vi.unstubAllEnvs());

const folder = () => join(home, "hub", "models--org--model-1.5B");
const snapshot = () => join(folder(), "snapshots", COMMIT);

describe("grit download", () => {
  test("fetches a model, which other commands then take by its name", async () => {
    const { code, out } = await grit("download", REPO);
    expect(code).toBe(0);
    const count = readdirSync(from).length;
    expect(out).toMatch(new RegExp(`^${REPO}, commit ${COMMIT}: ${count} files, .+B to fetch\\.\\n`));
    expect(out).toContain(`${REPO} is in ${snapshot()}; recipes and --model take it by its name.\n`);
    expect(readdirSync(snapshot()).sort()).toEqual(readdirSync(from).sort());

    vi.stubEnv("HF_HUB_OFFLINE", "1");
    const { question, completion, image, logprobs } = goldenLines("tied")[0]!;
    const line = { question, answer: "yes", dataset: "vsr", completion, image: await writeImage(home, image) };
    const [data, scores] = [writeLines(join(home, "data.jsonl"), [line]), join(home, "scores.jsonl")];
    const asked = ["--data", data, "--out", scores, "--method", "direct", "--precision", "float32"];
    expect(await grit("score", "--model", REPO, ...asked)).toMatchObject({ code: 0 });
    const [row] = readLines<{ logprobs: number[] }>(scores);
    expect(largestGap(row!.logprobs, logprobs)).toBeLessThan(1e-4);

    const to = join(home, "exported");
    expect(await grit("export", "--model", REPO, "--out", to)).toMatchObject({ code: 0 });
    // Files, and no links into the cache.
    for (const name of readdirSync(from)) expect(lstatSync(join(to, name)).isFile()).toBe(true);
  });

  test("names what it leaves out, and the revision", async () => {
    const { out } = await grit("download", REPO, "--include", "config.json", "*.bin", "--revision", "v1");
    expect(out).toContain("Left out, as they can run code: pytorch_model.bin.");
    expect(out).toContain(`${REPO}@v1 is in ${snapshot()}`);
    expect(readdirSync(snapshot())).toEqual(["config.json"]);
  });

  test.each([
    [["gpt2"], /gpt2 is not the name of a model on the hub\.\n {2}Write org\/name/],
    [["org/name@v1"], /org\/name@v1 is not the name of a model/],
    [["org/name", "--revision", "../x"], /org\/name with --revision \.\.\/x is not the name of a model/],
    [["org/none"], /http\S+ has no model org\/none/],
    [[REPO, "--revision", "v9"], /has no revision v9/],
  ])("refuses %s", async (args, message) => {
    const { code, err } = await grit("download", ...args);
    expect(err).toMatch(message);
    expect(code).toBe(2);
  });

  test("a command that is given a model which is not there names the one that fetches it", async () => {
    const { code, err } = await grit("export", "--model", "org/none", "--out", join(home, "x"));
    expect(err).toMatch(
      /^error: Model org\/none not found locally .*\. Download it with: npx grit download org\/none\n/,
    );
    expect(code).toBe(2);
  });
});

describe("several processes", () => {
  const start = () => spawn(process.execPath, ["bin/grit.mjs", "download", REPO], { stdio: "ignore" });
  const end = (child: ChildProcess) => new Promise((resolve) => child.on("exit", (code, by) => resolve(code ?? by)));

  test("at once fetch each file once, and both succeed", async () => {
    expect(await Promise.all([start(), start()].map(end))).toEqual([0, 0]);
    expect(fake.fetched.toSorted()).toEqual([...new Set(fake.fetched)].sort());
    for (const name of readdirSync(from))
      expect(readFileSync(join(snapshot(), name))).toEqual(readFileSync(join(from, name)));
  });

  test("one killed: nothing looks complete, and the next goes on with what it left", async () => {
    const weights = readFileSync(join(from, "model.safetensors"));
    const blob = join(folder(), "blobs", sha256(weights));
    const small = readdirSync(from).filter((name) => !/safetensors$/.test(name) && name < "model.safetensors");
    let child: ChildProcess | undefined;
    fake.contents.push(...small.map(() => serve), (_, response) => {
      response.writeHead(200, { "content-length": weights.length });
      response.write(weights.subarray(0, 5000));
      // The rest never comes.
      const timer = setInterval(() => {
        if ((statSync(`${blob}.incomplete`, { throwIfNoEntry: false })?.size ?? 0) < 5000) return;
        clearInterval(timer);
        child!.kill("SIGKILL");
      }, 20);
    });
    child = start();
    expect(await end(child)).toBe("SIGKILL");
    expect(readdirSync(folder())).toEqual(["blobs"]);
    expect((await grit("export", "--model", REPO, "--out", join(home, "x"))).err).toContain("npx grit download");

    fake.requests.length = 0;
    expect(await grit("download", REPO)).toMatchObject({ code: 0 });
    expect(fake.fetched).toContain("model.safetensors bytes=5000-");
    expect(readFileSync(join(snapshot(), "model.safetensors"))).toEqual(weights);
  });

  test("one interrupted says so and exits 130", async () => {
    fake.contents.push(
      (_, response) => void response.writeHead(200, { "content-length": 10 }).write("{", () => child.kill("SIGINT")),
    );
    const child = spawn(process.execPath, ["bin/grit.mjs", "download", REPO], { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.on("data", (text) => (said += text));
    expect(await end(child)).toBe(130);
    expect(said).toContain("Interrupted. The same command continues where it stopped.");
    expect(readdirSync(folder())).toEqual(["blobs"]);
    expect(readdirSync(join(home, "hub", ".locks", "grit"))).toEqual([]);
  });
});
