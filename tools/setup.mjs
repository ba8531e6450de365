/**
 * @file `npm run setup`, and `npx grit setup` of an installed package: finds or fetches libtorch and what builds the native
 * library, builds it and proves it by a computation; in a clone it installs the npm packages first, and builds the studio's
 * page. Does only what is missing; says what it does and how long it took. `places.mjs` says where all this is kept.
 *
 *     node tools/setup.mjs [--quiet] [--index URL]
 *
 * `--quiet` keeps what is in place and then prints nothing; without it the search for libtorch is made anew.
 * `--index URL` (or GRIT_TORCH_INDEX) names the package index to fetch libtorch from, and CMake and ninja if it has them.
 * Exit codes: 0 ready, 1 failed, 2 something is missing on this machine (the message says what to install), or it is of a
 * kind that is not supported.
 */
import { mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { fetchTools, findTools } from "./cmake.mjs";
import { describe, fetchLibtorch, findLibtorch, hasGpu } from "./libtorch.mjs";
import { Lock } from "./lock.mjs";
import { buildLibrary, libraryInPlace, readJson, writeJson } from "./native-build.mjs";
import { findPip } from "./pip.mjs";
import { addon, build as buildFolder, cache, isClone, nativeSources, packageRoot, setupCommand } from "./places.mjs";
import { ask, needSpace, run, Stop, which } from "./shell.mjs";
import { buildPage, pageInPlace } from "./studio-page.mjs";
import { howToInstall, supportOf, thisSystem } from "./system.mjs";

const at = (...path) => join(packageRoot, ...path);
const library = { sources: nativeSources, file: addon };
const record = join(buildFolder, "libtorch.json");
const verify = fileURLToPath(new URL("verify.mjs", import.meta.url));
const say = (text) => console.log(`setup: ${text}`);
/**
 * Are the packages in node_modules the ones that package-lock.json names? Packages for other platforms may lack. Those of an
 * installed package came with it.
 */
function packagesInPlace() {
  if (!isClone) return true;
  const installed = readJson(at("node_modules", ".package-lock.json"))?.packages;
  const wanted = Object.entries(readJson(at("package-lock.json")).packages).filter(([path]) => path !== "");
  return (
    installed !== undefined &&
    wanted.every(([path, { version, optional }]) => (installed[path] ? installed[path].version === version : optional))
  );
}

/** The libtorch of the last set-up, when it still stands and the user has not named another one since. */
function libtorchInPlace() {
  const last = readJson(record);
  if (!last || (process.env.LIBTORCH && resolve(process.env.LIBTORCH) !== last.dir)) return undefined;
  return describe(last.dir, last.source).version === last.version ? last : undefined;
}

/** A package brings the studio's page built. */
const studioInPlace = () => !isClone || pageInPlace();

function everythingInPlace() {
  const libtorch = libtorchInPlace();
  return packagesInPlace() && libtorch !== undefined && libraryInPlace(library, libtorch) && studioInPlace();
}

/**
 * Installs what package-lock.json names and leaves that file alone. Not `npm ci`: it refuses a lock file that lacks an
 * optional package of another platform, which npm writes when a registry does not carry it.
 */
async function installPackages() {
  needSpace(packageRoot, 0.5, "the npm packages");
  if (!which("npm")) throw new Stop("No npm on PATH.", "Install npm, which comes with Node.js.");
  const { code } = await run("npm", ["install", "--no-save", "--include=dev", "--no-audit", "--no-fund"], {
    cwd: packageRoot,
  });
  if (code !== 0) {
    throw new Stop(
      "npm install failed (see its output above).",
      "Without a network, connect; else mend what npm names. Then run the command again.",
    );
  }
}

/**
 * Stops with one message about all that is missing for the work ahead, before any of it begins: `tools` are those of a
 * build, if there is one to make; without `libtorch` that has to be fetched too.
 */
function checkMachine(system, libtorch, tools) {
  const missing = new Map();
  if (tools && !tools.compiler) {
    const named = process.env.CXX ? ` (CXX is ${process.env.CXX}, which does not run)` : "";
    missing.set("compiler", `a C++17 compiler${named}, to build the native library`);
  }
  const wheels = [...(libtorch ? [] : ["libtorch"]), ...(tools?.wheels ?? [])];
  const { python, pip } = findPip();
  if (wheels.length > 0 && !pip) {
    const lacking = python ? `pip for ${which(python)}` : "Python 3.10 or newer with pip";
    missing.set("pip", `${lacking}, to fetch ${wheels.join(", ")}`);
  }
  if (missing.size === 0) return;
  const other = libtorch || !missing.has("pip") ? "" : " If this machine has a libtorch, set LIBTORCH to its folder.";
  throw new Stop(
    `This machine lacks ${[...missing.values()].join("; and ")}.`,
    `${howToInstall(system, [...missing.keys()])} Then run the command again.${other}`,
  );
}

async function timed(what, work) {
  say(what);
  const start = performance.now();
  const result = await work();
  const seconds = (performance.now() - start) / 1000;
  say(`${what}: done in ${seconds.toFixed(1)} s`);
  return { seconds, result };
}

async function main() {
  const { values } = parseArgs({ options: { quiet: { type: "boolean" }, index: { type: "string" } } });
  const index = values.index ?? process.env.GRIT_TORCH_INDEX;
  const system = thisSystem();
  const { name, level, advice } = supportOf(system);
  if (level === "unsupported") throw new Stop(`${name} is not supported.`, advice);
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new Stop(`Node.js ${process.versions.node} is too old.`, "Install Node.js 20.19 or newer.");
  }
  if (values.quiet && everythingInPlace()) return;
  if (level === "untested") say(`${name} is untested. ${advice}`);
  // What one set-up fetches, others of the same user may be about to fetch too.
  const lock = await Lock.take(join(cache, "setup.lock"), (owner) => say(`waiting for ${owner}, which is setting up`));
  try {
    if (values.quiet && everythingInPlace()) return;
    await bring({ quiet: values.quiet, index, system });
  } finally {
    lock[Symbol.dispose]();
  }
}

/** Brings what is missing; another set-up must not be at it. With `quiet` it keeps the libtorch of the last one. */
async function bring({ quiet, index, system }) {
  const start = performance.now();
  let downloadSeconds = 0;
  const packages = packagesInPlace();
  const last = libtorchInPlace();
  let libtorch = (quiet && last) || findLibtorch(say);
  let tools = libtorch && libraryInPlace(library, libtorch) ? undefined : findTools(say);
  checkMachine(system, libtorch, tools);

  if (!packages) downloadSeconds += (await timed("installing npm packages", installPackages)).seconds;
  if (tools?.wheels.length > 0) {
    // Counted as a download as a whole, as the npm packages are: unpacking is a second of it.
    const fetching = () => fetchTools(tools.wheels, { index, say });
    downloadSeconds += (await timed(`fetching ${tools.wheels.join(" and ")}`, fetching)).seconds;
    tools = findTools(() => {});
  }
  if (!libtorch) {
    downloadSeconds += (await timed("fetching libtorch", () => fetchLibtorch({ index, say }))).result.downloadSeconds;
    libtorch = findLibtorch(say);
  }
  say(
    `libtorch ${libtorch.version} from ${libtorch.source} (${libtorch.dir}), a ${libtorch.cuda ? "CUDA" : "CPU"} build`,
  );
  if (hasGpu() && !libtorch.cuda) say("this machine has an NVIDIA GPU, which a CPU build cannot use");

  const built = libraryInPlace(library, libtorch);
  if (built) say("the native library is up to date");
  else await timed("building the native library", () => buildLibrary(library, libtorch, tools));
  if (!studioInPlace()) await timed("building the studio's page", buildPage);
  const answer = ask(process.execPath, verify);
  if (answer === undefined) {
    await run(process.execPath, [verify]);
    throw new Stop(
      "The native library was built but does not run (see the output above).",
      `Remove ${dirname(addon)}, check the libtorch named above, and run \`${setupCommand}\` again.`,
    );
  }
  say(`verified: ${answer}`);
  mkdirSync(buildFolder, { recursive: true });
  writeJson(record, libtorch);

  const seconds = (performance.now() - start) / 1000 - downloadSeconds;
  if (!built)
    writeJson(join(buildFolder, "setup.json"), {
      seconds: Number(seconds.toFixed(1)),
      downloadSeconds: Number(downloadSeconds.toFixed(1)),
    });
  say(`ready: ${seconds.toFixed(1)} s beside ${downloadSeconds.toFixed(1)} s of downloads`);
}

main().catch((error) => {
  if (error?.code === "ENOSPC") error = new Stop("The disk is full.", "Free some space and run the command again.");
  if (error?.code?.startsWith?.("ERR_PARSE_ARGS")) error = new Stop(error.message, "Options: --quiet, --index URL.");
  console.error(error instanceof Stop ? `setup: ${error.message}` : error);
  process.exitCode = error instanceof Stop ? 2 : 1;
});
