import { appendFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { scratchPlaces } from "../../test/tiny.ts";
import { Catalog } from "./catalog.ts";

const place = scratchPlaces();

function withRuns(...names: string[]): string {
  const folder = place();
  for (const name of names) {
    mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(join(folder, name, "metrics.jsonl"), "");
  }
  return folder;
}

test("runs at any of three depths, none inside a run, in hidden folders or behind links", async () => {
  const folder = withRuns("b", "a/x", "a/y/z", "1/2/3/4", "b/eval/c", ".hidden/d", "node_modules/e");
  symlinkSync(join(folder, "b"), join(folder, "link"));
  const catalog = new Catalog(folder);
  expect((await catalog.look()).runs.map(({ id }) => id)).toEqual(["a/x", "a/y/z", "b"]);
  expect(await catalog.run("../b")).toBeUndefined();
});

test("evaluations and checks, of runs and by themselves", async () => {
  const folder = withRuns("a");
  const write = (...path: string[]) => {
    const file = join(folder, ...path);
    mkdirSync(join(file, ".."), { recursive: true });
    writeFileSync(file, "");
  };
  write("a", "eval", "after", "samples.jsonl");
  write("a", "eval", "nothing", "other");
  for (const name of ["manifest.json", "samples.jsonl"]) write("table", "rows", "cot", name);
  write("half", "samples.jsonl");
  write("a", "check.json");
  write("a-check", "check.json");
  const { evaluations, checks } = await new Catalog(folder).look();
  expect(evaluations.map(({ id, run }) => [id, run?.id])).toEqual([
    ["a/eval/after", "a"],
    ["table/rows/cot", undefined],
  ]);
  expect(checks.map(({ id }) => id)).toEqual(["a", "a-check"]);
});

test("says which runs were written to, and when some come or go", async () => {
  const folder = withRuns("a", "b");
  const catalog = new Catalog(folder);
  expect(await catalog.changes()).toBeUndefined();
  expect(await catalog.changes()).toBeUndefined();
  appendFileSync(join(folder, "b", "metrics.jsonl"), "{}\n");
  expect(await catalog.changes()).toEqual({ folders: ["b"], list: false });
  rmSync(join(folder, "a"), { recursive: true });
  expect(await catalog.changes()).toEqual({ folders: [], list: true });
  expect(await catalog.run("a")).toBeUndefined();
});
