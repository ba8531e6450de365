import { expect, test } from "vitest";
import { downloadCommand, parseId, staysInside } from "./id.ts";

test.each([
  ["Qwen/Qwen2.5-VL-3B-Instruct", "Qwen/Qwen2.5-VL-3B-Instruct", "main"],
  ["a/b", "a/b", "main"],
  ["org/name@v1.0", "org/name", "v1.0"],
  ["org/name@refs/pr/2", "org/name", "refs/pr/2"],
])("%s is an id", (text, repo, revision) => {
  expect(parseId(text)).toEqual({ repo, revision });
});

test.each([
  "gpt2",
  "../models/base",
  "./org/name",
  "/org/name",
  "org/name/more",
  "org/.name",
  "org/name-",
  "org/na--me",
  "org/na..me",
  "org/name.git",
  "org/name@",
  "org/name@../../x",
  "org/naïve",
  `org/${"a".repeat(97)}`,
  "",
])("%j is none", (text) => {
  expect(parseId(text)).toBeUndefined();
});

test.each(["a/../b", "..", "/a", "a//b", "a\\b", "C:/a", "a/", ".", "a\0b"])("%j does not stay inside", (path) => {
  expect(staysInside(path)).toBe(false);
});

test("the command that fetches an id names its revision", () => {
  const commands = ["a/b", "a/b@v1"].map((text) => downloadCommand(parseId(text)!));
  expect(commands).toEqual(["npx grit download a/b", "npx grit download a/b --revision v1"]);
});
