/**
 * @file What set-up says when something is missing: one message with the remedy, exit code 2, nothing written. It runs in
 * a copy of the project that has the npm packages and nothing else, on a PATH that has Node.js and what a case names.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

let root: string;
let cases = 0;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "grit-setup-"));
  for (const path of ["tools", "native", "package.json", "package-lock.json"]) {
    cpSync(path, join(root, path), { recursive: true });
  }
  symlinkSync(resolve("node_modules"), join(root, "node_modules"));
});
afterAll(() => rmSync(root, { recursive: true }));

/** A folder that looks like a libtorch of that version. */
function libtorch(version: string): string {
  const dir = join(root, `libtorch-${version}`);
  mkdirSync(join(dir, "lib"), { recursive: true });
  mkdirSync(join(dir, "include", "ATen"), { recursive: true });
  writeFileSync(join(dir, "lib", "libtorch.so"), "");
  writeFileSync(join(dir, "include", "ATen", "ATen.h"), "");
  writeFileSync(join(dir, "build-version"), `${version}\n`);
  return dir;
}

/** Runs set-up with these programs on PATH, each a shell script, and this environment. */
function setup(programs: Record<string, string>, env: Record<string, string> = {}, ...args: string[]) {
  const path = join(root, `bin-${cases++}`);
  mkdirSync(path);
  for (const [name, body] of Object.entries(programs)) {
    writeFileSync(join(path, name), `#!/bin/sh\n${body}\n`);
    chmodSync(join(path, name), 0o755);
  }
  const options = { env: { PATH: path, ...env }, encoding: "utf8", cwd: root } as const;
  return spawnSync(process.execPath, ["tools/setup.mjs", ...args], options);
}

// A Python that has no torch; its pip, where it has one, fails with the words given.
const python = (pip: string) => `case "$*" in
  --version) echo Python 3.11.7;;
  *find_spec*) echo;;
  *urlopen*) exit 1;;
  "-m pip --version") ${pip ? "echo pip 24" : "exit 1"};;
  *) echo "${pip}" >&2; exit 1;;
esac`;

test.each<[string, Record<string, string>, Record<string, string>, RegExp]>([
  ["no Python", {}, {}, /No Python on PATH.*\n.*Install Python 3\.10/],
  ["no pip", { python3: python("") }, {}, /python3 has no pip\.\n.*apt install python3-pip/],
  ["no network", { python3: python("NewConnectionError") }, {}, /pip reached no package index\.\n.*--index URL/],
  [
    "no such torch",
    { python3: python("No matching distribution") },
    {},
    /pip has no torch 2\.13\.0 for Python 3\.11\.7/,
  ],
  ["a full disk", { python3: python("No space left on device") }, {}, /The disk is full.*\n.*Free some space/],
  ["LIBTORCH nowhere", {}, { LIBTORCH: "/no/where" }, /LIBTORCH=\/no\/where: no include\/ATen\/ATen\.h.*\n.*unset it/],
  ["LIBTORCH too old", {}, { LIBTORCH: "old" }, /version 1\.13\.0 is older than 2\.11/],
  ["no CMake", { "c++": "" }, { LIBTORCH: "new" }, /No CMake on PATH\.\n.*apt install g\+\+ cmake/],
  ["no compiler", { cmake: "" }, { LIBTORCH: "new" }, /No C\+\+ compiler on PATH\.\n.*C\+\+17/],
  ["a failing build", { cmake: "exit 1", "c++": "" }, { LIBTORCH: "new" }, /could not be built.*\n.*C\+\+17 compiler/],
])("%s", (_, programs, env, message) => {
  const places: Record<string, string> = { old: libtorch("1.13.0"), new: libtorch("2.13.0") };
  const named = env.LIBTORCH ? { LIBTORCH: places[env.LIBTORCH] ?? env.LIBTORCH } : {};
  const { status, stderr } = setup(programs, named);
  expect(stderr).toMatch(message);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(status).toBe(2);
  for (const leftover of [".libtorch", "build/libtorch.json", "build/libtorch.partial", "build/native/stamp.json"]) {
    expect(existsSync(join(root, leftover))).toBe(false);
  }
});

test("an unknown option", () => {
  const { status, stderr } = setup({}, {}, "--qiet");
  expect(stderr).toMatch(/--qiet.*\n.*--quiet, --index URL/s);
  expect(status).toBe(2);
});
