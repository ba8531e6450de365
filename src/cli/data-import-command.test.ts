import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { grit } from "../../test/commands.ts";

/** A red pixel, PNG. */
const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "data-import-"));
});
afterEach(() => rm(folder, { recursive: true }));

const run = (name: string, file: string, ...more: string[]) =>
  grit(
    "data",
    "import",
    name,
    "--annotations",
    file,
    "--images",
    join(folder, "images"),
    "--out",
    join(folder, "out.jsonl"),
    ...more,
  );

async function table(...rows: string[][]): Promise<string> {
  const head = ["index", "question", "A", "B", "answer", "category", "l2_category", "image"];
  const path = join(folder, "MMStar.tsv");
  await writeFile(path, [head, ...rows].map((fields) => fields.join("\t")).join("\n"));
  return path;
}

test("an import is proved and described by the other commands", async () => {
  const file = await table(["0", "What is it?", "a cup", "a cat", "B", "math", "geometry", PIXEL]);
  const made = await run("mmstar", file);
  expect(made).toMatchObject({ code: 0 });
  expect(made.out).toContain(`1 samples of MMStar written to ${join(folder, "out.jsonl")}, from 1 rows.`);
  expect(made.out).toContain("1 images written into");
  const checked = await grit("data", "check", join(folder, "out.jsonl"));
  expect(checked.out).toContain("1 samples are valid: 1 images decode");
  expect((await grit("data", "stats", join(folder, "out.jsonl"))).out).toMatch(
    /mmstar\s+1\s+1\s+10\.0\s+1\.0\s+100\.0/,
  );
});

test("bad input exits 2 and leaves no file", async () => {
  const file = await table(["0", "What is it?", "a cup", "a cat", "C", "math", "geometry", PIXEL]);
  const made = await run("mmstar", file);
  expect(made.code).toBe(2);
  expect(made.err).toContain('MMStar.tsv:2: answer: "C" is not one of the options');
  expect(made.err).toContain("no data was written");
  expect(existsSync(join(folder, "out.jsonl"))).toBe(false);
  expect(await readdir(folder)).toEqual(["MMStar.tsv"]);
});

test.each([
  ["mmsta", [], 'there is no benchmark "mmsta"'],
  ["vsr", [], "It looks like MMStar: grit data import mmstar."],
])("%s is refused", async (name, more, message) => {
  const made = await run(name, await table(["0", "What?", "a", "b", "B", "math", "geometry", PIXEL]), ...more);
  expect(made.code).toBe(2);
  expect(made.err).toContain(message);
});

test("the annotations are never the output", async () => {
  const file = await table(["0", "What?", "a", "b", "B", "math", "geometry", PIXEL]);
  const made = await run("mmstar", file, "--out", file);
  expect(made).toMatchObject({ code: 2, err: expect.stringContaining("is the file of --annotations") });
  expect(await readdir(folder)).toEqual(["MMStar.tsv"]);
});

test("Ctrl-C leaves no file and exits 130", async () => {
  const row = ["What?", "a", "b", "B", "math", "geometry", PIXEL];
  const file = await table(...Array.from({ length: 2000 }, (_, i) => [String(i), ...row]));
  const others = process.listeners("SIGINT");
  const running = run("mmstar", file);
  let stop: NodeJS.SignalsListener | undefined;
  while (!stop) {
    await new Promise((resolve) => setImmediate(resolve));
    stop = process.listeners("SIGINT").find((listener) => !others.includes(listener));
  }
  stop("SIGINT");
  expect(await running).toMatchObject({ code: 130, err: expect.stringContaining("nothing was written") });
  expect(await readdir(folder)).toEqual(["MMStar.tsv"]);
});
