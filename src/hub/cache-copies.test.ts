/** @file The cache on a disk without symbolic links. */
import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test, vi } from "vitest";
import { scratch } from "../../test/tiny.ts";
import { RepoCache } from "./hub-cache.ts";

vi.mock(import("node:fs"), async (original) => ({
  ...(await original()),
  symlinkSync: () => {
    throw Object.assign(new Error("EPERM: operation not permitted, symlink"), { code: "EPERM", syscall: "symlink" });
  },
}));

const dir = scratch();

test("holds copies in its snapshots, which count as there", () => {
  const cache = new RepoCache(dir, "org/name");
  const file = { path: "sub/config.json", size: 2, etag: "abc" };
  expect(cache.has("commit", file)).toBe(false);
  mkdirSync(dirname(cache.blob(file)), { recursive: true });
  writeFileSync(cache.blob(file), "{}");
  cache.link("commit", file);
  const path = join(cache.snapshot("commit"), "sub", "config.json");
  expect(lstatSync(path).isFile()).toBe(true);
  expect(readFileSync(path, "utf8")).toBe("{}");
  expect(readdirSync(dirname(path))).toEqual(["config.json"]);
  expect(cache.has("commit", { ...file, etag: "moved away" })).toBe(true);
});
