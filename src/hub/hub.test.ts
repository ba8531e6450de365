import { writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { scratch } from "../../test/tiny.ts";
import { cacheFolder, hubFrom } from "./hub.ts";

const home = scratch();

test.each([
  [{}, join(homedir(), ".cache/huggingface/hub")],
  [{ XDG_CACHE_HOME: "/x" }, "/x/huggingface/hub"],
  [{ XDG_CACHE_HOME: "/x", HF_HOME: "/h" }, "/h/hub"],
  [{ HF_HOME: "~/h" }, join(homedir(), "h/hub")],
  [{ HF_HOME: "/h", HUGGINGFACE_HUB_CACHE: "/old" }, "/old"],
  [{ HF_HOME: "/h", HF_HUB_CACHE: "/c", HUGGINGFACE_HUB_CACHE: "/old" }, "/c"],
])("the cache by %o", (env, folder) => {
  expect(cacheFolder(env)).toBe(folder);
});

test("without variables it is the public hub, asked by nobody", () => {
  expect(hubFrom({ HF_HOME: home })).toEqual({
    endpoint: "https://huggingface.co",
    cache: join(home, "hub"),
    token: undefined,
    offline: false,
  });
});

test("a mirror, without its last slash", () => {
  expect(hubFrom({ HF_HOME: home, HF_ENDPOINT: "https://mirror.example/" }).endpoint).toBe("https://mirror.example");
  expect(() => hubFrom({ HF_HOME: home, HF_ENDPOINT: "mirror.example" })).toThrow(/HF_ENDPOINT .*\n.*https:\/\/host/);
});

test.each([
  ["1", true],
  ["true", true],
  ["ON", true],
  ["0", false],
  ["", false],
])("HF_HUB_OFFLINE=%s", (value, offline) => {
  expect(hubFrom({ HF_HOME: home, HF_HUB_OFFLINE: value }).offline).toBe(offline);
});

test("the token is that of HF_TOKEN, else the one that was kept at login", () => {
  writeFileSync(join(home, "token"), "kept\n");
  expect(hubFrom({ HF_HOME: home }).token).toBe("kept");
  expect(hubFrom({ HF_HOME: home, HF_TOKEN: " given " }).token).toBe("given");
  expect(hubFrom({ HF_HOME: home, HF_TOKEN: "" }).token).toBe("kept");
});
