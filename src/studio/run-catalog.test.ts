import { appendFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { scratchPlaces } from "../../test/tiny.ts";
import { RunCatalog } from "./run-catalog.ts";

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
  const catalog = new RunCatalog(folder);
  expect((await catalog.look()).map(({ id }) => id)).toEqual(["a/x", "a/y/z", "b"]);
  expect(await catalog.find("../b")).toBeUndefined();
});

test("says which runs were written to, and when some come or go", async () => {
  const folder = withRuns("a", "b");
  const catalog = new RunCatalog(folder);
  expect(await catalog.changes()).toBeUndefined();
  expect(await catalog.changes()).toBeUndefined();
  appendFileSync(join(folder, "b", "metrics.jsonl"), "{}\n");
  expect(await catalog.changes()).toEqual({ runs: ["b"], list: false });
  rmSync(join(folder, "a"), { recursive: true });
  expect(await catalog.changes()).toEqual({ runs: [], list: true });
  expect(await catalog.find("a")).toBeUndefined();
});
