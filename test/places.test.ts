import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { addon, build, cache, isClone, outsidePackage, packageRoot, userCache } from "../tools/places.mjs";

test("a clone keeps all that is made in its own folder", () => {
  expect(packageRoot).toBe(resolve("."));
  expect(isClone).toBe(true);
  expect([build, addon, cache]).toEqual([resolve("build"), resolve("build/native/grit.node"), resolve(".cache")]);
  expect(outsidePackage(resolve(".cache/scenes/vsr_val.jsonl"))).toBe(resolve(".cache/scenes/vsr_val.jsonl"));
});

test.each([
  [{ GRIT_CACHE: "/big/grit", XDG_CACHE_HOME: "/xdg" }, "linux", "/big/grit"],
  [{ XDG_CACHE_HOME: "/xdg" }, "linux", "/xdg/grit-ts"],
  [{}, "linux", join(homedir(), ".cache", "grit-ts")],
  [{}, "darwin", join(homedir(), "Library", "Caches", "grit-ts")],
])("the user's cache by %j on %s", (env, platform, folder) => {
  expect(userCache(env, platform)).toBe(folder);
});
