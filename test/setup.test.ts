/**
 * @file What set-up says when something is missing: one message with the remedy, exit code 2, nothing written; and what it
 * fetches. It runs in a copy of the project that has the npm packages and nothing else, on a PATH of what a case names.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Lock } from "../tools/lock.mjs";
import { howToInstall, supportOf, thisSystem } from "../tools/system.mjs";

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

/** A PATH of these programs, each a shell script. */
function pathOf(programs: Record<string, string>): string {
  const path = join(root, `bin-${cases++}`);
  mkdirSync(path);
  for (const [name, body] of Object.entries(programs)) {
    writeFileSync(join(path, name), `#!/bin/sh\n${body}\n`);
    chmodSync(join(path, name), 0o755);
  }
  return path;
}

/** Runs set-up with these programs on PATH and this environment. */
function setup(programs: Record<string, string>, env: Record<string, string> = {}, ...args: string[]) {
  const options = { env: { PATH: pathOf(programs), ...env }, encoding: "utf8", cwd: root } as const;
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
// A CMake of that version that can do nothing but say so, and keep a record of what it was asked.
const cmake = (version: string) => `[ "$1" = --version ] && echo cmake version ${version} && exit
[ "$RECORD" ] && echo "$0 $*" >> "$RECORD"
exit 1`;
const tools = { "c++": "", cmake: cmake("3.30.1"), ninja: "" };
const install = (...missing: string[]) => howToInstall(thisSystem(), missing);

test.each<[string, Record<string, string>, Record<string, string>, RegExp | string]>([
  [
    "nothing at all",
    {},
    {},
    `setup: This machine lacks a C++17 compiler, to build the native library; and Python 3.10 or newer with pip, to fetch libtorch, cmake, ninja.
  ${install("compiler", "pip")} Then run the command again. If this machine has a libtorch, set LIBTORCH to its folder.
`,
  ],
  ["no Python", tools, {}, `lacks Python 3.10 or newer with pip, to fetch libtorch.\n  ${install("pip")} Then`],
  ["no pip", { ...tools, python3: python("") }, {}, /lacks pip for \S+python3, to fetch libtorch\.\n.*LIBTORCH/],
  [
    "no network",
    { ...tools, python3: python("NewConnectionError") },
    {},
    /pip reached no package index\.\n.*--index URL/,
  ],
  [
    "no such torch",
    { ...tools, python3: python("No matching distribution") },
    {},
    /pip has no torch 2\.13\.0 for Python 3\.11\.7.*\n.*LIBTORCH/,
  ],
  [
    "a full disk",
    { ...tools, python3: python("No space left on device") },
    {},
    /The disk is full.*\n.*Free some space/,
  ],
  ["LIBTORCH nowhere", {}, { LIBTORCH: "/no/where" }, /LIBTORCH=\/no\/where: no include\/ATen\/ATen\.h.*\n.*unset it/],
  ["LIBTORCH too old", {}, { LIBTORCH: "old" }, /version 1\.13\.0 is older than 2\.11/],
  [
    "no compiler, before anything is fetched",
    { ...tools, "c++": "exit 1", python3: python("NewConnectionError") },
    {},
    `lacks a C++17 compiler, to build the native library.\n  ${install("compiler")} Then run the command again.\n`,
  ],
  [
    "a compiler named wrongly",
    tools,
    { LIBTORCH: "new", CXX: "no-such-c++" },
    /\(CXX is no-such-c\+\+, which does not run\)/,
  ],
  ["CMake too old, no pip", { ...tools, cmake: cmake("3.17.5") }, { LIBTORCH: "new" }, /with pip, to fetch cmake\./],
  ["neither ninja nor make", { ...tools, ninja: "exit 1" }, { LIBTORCH: "new" }, /with pip, to fetch ninja\./],
  [
    "no CMake in the index",
    { "c++": "", make: "", python3: python("No matching distribution") },
    { LIBTORCH: "new" },
    /pip has no cmake \S+ for Python 3\.11\.7.*\n.*install CMake/,
  ],
  ["a failing build", tools, { LIBTORCH: "new" }, /could not be built.*\n.*C\+\+17/],
])("%s", (_, programs, env, message) => {
  const places: Record<string, string> = { old: libtorch("1.13.0"), new: libtorch("2.13.0") };
  const named = env.LIBTORCH ? { ...env, LIBTORCH: places[env.LIBTORCH] ?? env.LIBTORCH } : env;
  const { status, stderr } = setup(programs, named);
  if (typeof message === "string") expect(stderr).toContain(message);
  else expect(stderr).toMatch(message);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(status).toBe(2);
  const partials = ["build/libtorch.partial", "build/tools.partial"];
  for (const leftover of [".libtorch", ".build-tools", "build/libtorch.json", "build/native/stamp.json", ...partials]) {
    expect(existsSync(join(root, leftover))).toBe(false);
  }
});

// A Python whose pip keeps a record of its arguments and installs programs that keep a record of theirs. One index has nothing.
const recorder = `case "$*" in
  --version) echo Python 3.11.7;;
  "-m pip --version") echo pip 24;;
  *) echo "pip $*" >> "$RECORD"; case "$*" in *empty.example*) echo No matching distribution >&2; exit 1;; esac
    while [ $# -gt 1 ]; do [ "$1" = --target ] && site=$2; shift; done
    case "$1" in cmake*) program=$site/cmake/data/bin/cmake;; *) program=$site/bin/ninja;; esac
    /bin/mkdir -p "$(/usr/bin/dirname "$program")"
    echo '#!/bin/sh
${cmake("4.0.0")}' > "$program"
    /bin/chmod +x "$program";;
esac`;

test.each<[string, Record<string, string>, string[], RegExp[]]>([
  [
    "CMake and ninja come by pip where there is neither",
    {},
    [],
    [
      /^pip .*--only-binary=:all: --target \S+ cmake==/,
      /^pip .* ninja==/,
      /^\S+\.build-tools\/cmake\/\S+ .*-G Ninja .*\.build-tools\/ninja/,
    ],
  ],
  [
    "CMake comes for an old one, and make is used",
    { cmake: cmake("3.17.5"), make: "" },
    [],
    [/^pip .* cmake==/, /^\S+\.build-tools\/cmake\/\S+ .*-G Unix Makefiles /],
  ],
  [
    "ninja comes to a CMake that has neither ninja nor make",
    { cmake: cmake("3.30.1") },
    [],
    [/^pip .* ninja==/, /bin-\d+\/cmake .*-G Ninja .*\.build-tools\/ninja/],
  ],
  [
    "an index that was named for libtorch is asked first",
    { make: "" },
    ["--index", "https://empty.example"],
    [/^pip .*--index-url https:\/\/empty\.example .* cmake==/, /^pip (?!.*--index-url).* cmake==/, /cmake /],
  ],
])("%s", (_, programs, args, record) => {
  const path = join(root, "record");
  const { stderr } = setup(
    { "c++": "", python3: recorder, ...programs },
    { LIBTORCH: libtorch("2.13.0"), RECORD: path },
    ...args,
  );
  const lines = readFileSync(path, "utf8").trim().split("\n");
  for (const place of [path, join(root, ".build-tools")]) rmSync(place, { recursive: true });
  expect(lines).toHaveLength(record.length);
  for (const [i, line] of lines.entries()) expect(line).toMatch(record[i]!);
  expect(stderr).toContain("The native library could not be built");
  expect(readdirSync(join(root, "build"))).toEqual([]);
});

test("a second set-up waits for the first and fetches nothing again", async () => {
  const record = join(root, "record");
  const path = pathOf({ "c++": "", python3: recorder });
  const env = { PATH: path, LIBTORCH: libtorch("2.13.0"), RECORD: record };
  const begin = () => {
    const child = spawn(process.execPath, ["tools/setup.mjs"], { cwd: root, env });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += text));
    return { child, ended: once(child, "close").then(() => output) };
  };
  // The lock that a first set-up would hold, until the second says that it waits.
  using held = await Lock.take(join(root, ".cache", "setup.lock"), () => {});
  const both = [begin(), begin()];
  await Promise.all(both.map(({ child }) => once(child.stdout, "data")));
  expect(existsSync(record)).toBe(false);
  held[Symbol.dispose]();
  for (const output of await Promise.all(both.map(({ ended }) => ended))) {
    const holder = `setup: waiting for process ${process.pid} on ${hostname()} since `;
    expect(output).toContain(holder);
    expect(output.split(holder)[1]).toMatch(/^[\dT:.-]+Z, which is setting up\n/);
    expect(output).toContain("The native library could not be built");
  }
  const fetched = readFileSync(record, "utf8")
    .split("\n")
    .filter((line) => line.startsWith("pip "));
  expect(fetched).toHaveLength(2);
  for (const place of [record, join(root, ".build-tools")]) rmSync(place, { recursive: true });
});

test("set-up stops on a system that is not supported", () => {
  const pretend = "data:text/javascript,Object.defineProperty(process,'platform',{value:'win32'})";
  const { status, stderr } = setup({}, { NODE_OPTIONS: `--import ${pretend}` });
  expect(stderr).toMatch(/^setup: win32 \S+ is not supported\.\n {2}Use WSL2/);
  expect(status).toBe(2);
});

test.each([
  ["linux", "x64", "2.36", "supported"],
  ["linux", "arm64", "2.36", "supported"],
  ["darwin", "arm64", undefined, "untested"],
  ["darwin", "x64", undefined, "unsupported"],
  ["linux", "x64", undefined, "unsupported"],
  ["linux", "riscv64", "2.36", "unsupported"],
  ["win32", "x64", undefined, "unsupported"],
])("%s on %s with glibc %s is %s", (platform, arch, glibc, level) => {
  expect(supportOf({ platform, arch, glibc }).level).toBe(level);
});

test.each([
  ['PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\n', "apt install g++ python3-pip"],
  ["NAME=Ubuntu\nID=ubuntu\nID_LIKE=debian\n", "apt install g++ python3-pip"],
  ["ID=fedora\nVARIANT_ID=container\n", "dnf install gcc-c++ python3-pip"],
  ['ID="rocky"\nID_LIKE="rhel centos fedora"\n', "dnf install gcc-c++ python3-pip"],
  ['ID="amzn"\nID_LIKE="fedora"\n', "dnf install gcc-c++ python3-pip"],
  ["ID=arch\n", "pacman -S gcc python-pip"],
  ['ID="opensuse-leap"\nID_LIKE="suse opensuse"\n', "zypper install gcc-c++ python3-pip"],
])("the command of %j", (osRelease, command) => {
  const system = { ...thisSystem(), platform: "linux" as const, osRelease };
  const missing = ["compiler", "pip"];
  expect(howToInstall({ ...system, administrator: true }, missing)).toBe(`Run \`${command}\`.`);
  expect(howToInstall({ ...system, administrator: false }, missing)).toBe(`Run \`sudo ${command}\`.`);
});

test("a system without a command to name, and macOS", () => {
  const other = {
    ...thisSystem(),
    platform: "linux" as const,
    osRelease: "ID=nixos\nHOME_URL=https://debian.example\n",
  };
  expect(howToInstall(other, ["pip"])).toBe("Install it with the package manager of this system.");
  expect(howToInstall({ ...other, platform: "darwin" }, ["compiler"])).toBe("Run `xcode-select --install`.");
});

test("an unknown option", () => {
  const { status, stderr } = setup({}, {}, "--qiet");
  expect(stderr).toMatch(/--qiet.*\n.*--quiet, --index URL/s);
  expect(status).toBe(2);
});
