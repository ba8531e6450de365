/** @file The data files of recipes as the studio shows them, also those that are damaged or meant to lead elsewhere. */
import { execFileSync } from "node:child_process";
import { appendFileSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { scratch } from "../../test/tiny.ts";
import type { CheckFile } from "../run/check-file.ts";
import { studioApp } from "./open-studio.ts";
import type { DataCheck, DataFileEntry, DataRows, DataSample } from "./studio-data.ts";

const folder = scratch();
const runs = join(folder, "runs");
const data = join(folder, "elsewhere");
const page = join(folder, "page");
const train = join(data, "train.jsonl");
let app: ReturnType<typeof studioApp>;

const sample = (id: number, more: object = {}) => ({
  id: `s${id}`,
  question: `How many cats are in picture ${id}?`,
  answer: String(id),
  image: "a.png",
  dataset: id % 2 === 0 ? "vsr" : "tallyqa",
  ...more,
});
const text = (lines: readonly unknown[]) => lines.map((line) => JSON.stringify(line)).join("\n");

beforeAll(() => {
  for (const dir of [page, data, join(runs, "one"), join(runs, "one-check")]) mkdirSync(dir, { recursive: true });
  writeFileSync(join(page, "index.html"), "<!doctype html>the page");
  execFileSync(process.execPath, ["-e", PNG, join(data, "a.png")]);
  copyFileSync(join(data, "a.png"), join(folder, "private.png"));
  // The last line ends without a line feed, as many do.
  const boxed = sample(2, { bboxs: [[1, 2, 8, 9]], key_words: ["cat"], split: "train" });
  writeFileSync(train, `${text([sample(1), boxed])}\n\n{"question"\n${text([sample(5, { answer: 3 }), sample(6)])}`);
  recipe("one", { train: [train], eval: { held: join(data, "gone.jsonl") } });
  const found: CheckFile = {
    recipe: "my.yaml",
    made: "2026-01-02T03:04:05.000Z",
    data: { train: [train], eval: {} },
    refusals: [{ key: "answer", what: "is a number", remedy: "Fix it.", at: [{ file: train, line: 5 }] }],
    warnings: [],
    terms: [],
  };
  writeFileSync(join(runs, "one-check", "check.json"), JSON.stringify(found));
  app = studioApp(runs, { page });
});

/** A picture of 20 x 10 pixels. */
const PNG = `require("sharp")({create:{width:20,height:10,channels:3,background:"red"}}).png().toFile(process.argv[1])`;

/** A run whose recipe names these data. */
function recipe(name: string, named: object): void {
  mkdirSync(join(runs, name), { recursive: true });
  writeFileSync(join(runs, name, "run.json"), JSON.stringify({ recipe: { steps: 1, data: named } }));
}

const get = (path: string, headers: Record<string, string> = {}) =>
  app.request(`http://127.0.0.1:6070${path}`, { headers: { host: "127.0.0.1:6070", ...headers } });
async function json<T>(path: string): Promise<T> {
  const response = await get(path);
  expect([path, response.status]).toEqual([path, 200]);
  return (await response.json()) as T;
}
/** The address of a file by its path. */
async function of(path: string): Promise<string> {
  const files = await json<DataFileEntry[]>("/api/data");
  return `/api/data/${files.find((file) => file.path === path)!.id}`;
}

test("are those that recipes of runs and checks name, each once", async () => {
  const files = await json<DataFileEntry[]>("/api/data");
  expect(files.map(({ path, isThere, uses }) => ({ path, isThere, uses }))).toEqual([
    {
      path: train,
      isThere: true,
      uses: [
        { by: "one", as: "train" },
        { by: "one-check", as: "train" },
      ],
    },
    { path: join(data, "gone.jsonl"), isThere: false, uses: [{ by: "one", as: "held" }] },
  ]);
});

test("a file's samples, filtered and searched; faulty lines say what is wrong and nothing of what they hold", async () => {
  const file = await of(train);
  const { rows, ...about } = await json<DataRows>(file);
  expect(about).toEqual({
    lines: 5,
    wanted: 5,
    from: 0,
    datasets: ["tallyqa", "vsr"],
    tasks: ["answer", "count"],
    outcomes: { "with boxes": 1, "without boxes": 2, faulty: 2 },
  });
  expect(rows.map(({ line, id, boxes }) => [line, id, boxes])).toEqual([
    [1, "s1", 0],
    [2, "s2", 1],
    [4, "line 4", 0],
    [5, "line 5", 0],
    [6, "s6", 0],
  ]);
  expect(rows.map(({ fault }) => fault)).toEqual([
    ...[undefined, undefined, "is not JSON", 'answer: is a number; quote it: "3"', undefined],
  ]);
  const wanted = async (query: string) => (await json<DataRows>(`${file}?${query}`)).rows.map(({ line }) => line);
  expect(await wanted("words=PICTURE+6")).toEqual([6]);
  expect(await wanted("outcome=with+boxes")).toEqual([2]);
  expect(await wanted("outcome=faulty")).toEqual([4, 5]);
  expect(await wanted("dataset=vsr&task=answer")).toEqual([2, 6]);
});

test("one sample whole, with its image and the size of its pixels", async () => {
  const file = await of(train);
  expect(await json<DataSample>(`${file}/lines/2`)).toMatchObject({
    ...{ line: 2, id: "s2", task: "answer", split: "train", answer: "2", image: "a.png", keyWords: ["cat"] },
    ...{ size: { width: 20, height: 10 }, imageFault: null, quads: [[1, 2, 8, 9]] },
  });
  const image = await get(`${file}/lines/2/image`);
  expect(image.headers.get("content-type")).toBe("image/png");
  expect(Buffer.from(await image.arrayBuffer())).toEqual(readFileSync(join(data, "a.png")));
  const again = await get(`${file}/lines/2/image`, { "if-none-match": image.headers.get("etag")! });
  expect(again.status).toBe(304);
});

test("a long file comes by pages, the one around a line first, and follows what is written", async () => {
  const long = join(data, "long.jsonl");
  writeFileSync(long, `${text(Array.from({ length: 1234 }, (_, i) => sample(i)))}`);
  recipe("long", { train: [long] });
  const file = await of(long);
  const ends = async (query: string) => {
    const { from, wanted, rows } = await json<DataRows>(`${file}?${query}`);
    return [from, rows[0]?.line, rows.at(-1)?.line, wanted];
  };
  expect(await ends("")).toEqual([0, 1, 100, 1234]);
  expect(await ends("from=1200")).toEqual([1200, 1201, 1234, 1234]);
  expect(await ends("around=777")).toEqual([700, 701, 800, 1234]);
  expect(await ends("around=777&dataset=vsr")).toEqual([300, 601, 799, 617]);
  // The open line goes on, and another follows.
  appendFileSync(long, ` \n${JSON.stringify(sample(5000))}`);
  expect(await ends("from=1200")).toEqual([1200, 1201, 1235, 1235]);
});

test("what checks found, by the file", async () => {
  const checks = await json<DataCheck[]>(`${await of(train)}/checks`);
  expect(checks).toMatchObject([
    { id: "one-check", recipe: "my.yaml", refusals: [{ at: [{ file: train, line: 5 }] }] },
  ]);
  expect(await json<DataCheck[]>(`${await of(join(data, "gone.jsonl"))}/checks`)).toEqual([]);
  writeFileSync(join(runs, "one-check", "check.json"), "{");
  expect(await json<DataCheck[]>(`${await of(train)}/checks`)).toEqual([]);
});

test("images are those that lines name, and images: no text, folder, device or address", async () => {
  const file = join(data, "hostile.jsonl");
  const named = ["../private.png", "hostile.jsonl", "..", "/dev/zero", "/etc/passwd", "none.png"];
  const strange = ["https://example.com/a.png", "data:image/png;base64,AAAA", "a\0.png", "x".repeat(5000)];
  writeFileSync(file, text([...named, ...strange].map((image, i) => sample(i, { image }))));
  recipe("hostile", { train: [file] });
  const address = await of(file);
  const status = async (line: number) => (await get(`${address}/lines/${line}/image`)).status;
  // A file may name images anywhere, as its trainer reads them; what else it names stays where it is.
  expect(await status(1)).toBe(200);
  for (let line = 2; line <= named.length + strange.length; line++)
    expect([line, await status(line)]).toEqual([line, 404]);
  expect(await json<DataSample>(`${address}/lines/7`)).toMatchObject({ size: null });
});

test("no other file is asked for, whatever the address", async () => {
  const file = await of(train);
  const id = file.slice("/api/data/".length);
  for (const path of [
    ...["/api/data/none", "/api/data/..%2F..%2Fprivate.png", `/api/data/${encodeURIComponent(train)}`],
    ...[`${file}/lines/99`, `${file}/lines/0`, `${file}/lines/3`, `${file}/lines/4/image`, `${file}/lines/99/image`],
    ...[`/api/data/${id}%2F..`, `${file}/lines/1/image/..%2F..`, `${file}/private.png`, "/api/data/none/checks"],
  ])
    expect([path, (await get(path)).status]).toEqual([path, 404]);
  for (const path of [`${file}/lines/-1`, `${file}/lines/..%2Fa.png`, `${file}?outcome=lost`, `${file}?from=x`])
    expect([path, (await get(path)).status]).toEqual([path, 400]);
  expect((await get(file, { origin: "https://evil.example" })).status).toBe(403);
});

test("a recipe may name what is no data file: a pipe, a folder, a file of something else", async () => {
  const pipe = join(data, "pipe");
  execFileSync("mkfifo", [pipe]);
  const secret = join(data, "secret.txt");
  writeFileSync(secret, "the password\nis secret");
  recipe("strange", { train: [pipe, data, secret, "relative.jsonl"] });
  const files = await json<DataFileEntry[]>("/api/data");
  expect(files.filter(({ uses }) => uses[0]!.by === "strange").map(({ path }) => path)).toEqual([pipe, data, secret]);
  for (const path of [pipe, data]) expect([path, (await get(await of(path))).status]).toEqual([path, 404]);
  const told = await (await get(await of(secret))).text();
  expect(told).toContain("is not JSON");
  expect(told).not.toMatch(/password|is secret/);
  recipe("strange", { train: "no list" });
  expect((await json<DataFileEntry[]>("/api/data")).some(({ uses }) => uses[0]!.by === "strange")).toBe(false);
});
