/**
 * @file Finds what builds the native library: a C++ compiler, CMake, and ninja or make. CMake and ninja are taken from PATH,
 * else from the folder of build tools (`places.mjs`), which `fetchTools` fills with the pinned wheels.
 */
import { mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { findPip, pipFailed, runPip } from "./pip.mjs";
import { build, buildTools, packageRoot } from "./places.mjs";
import { ask, needSpace, which } from "./shell.mjs";

const PINNED = { cmake: "4.4.5", ninja: "1.13.2" };
/** Where the program lies in its unpacked wheel: what the cmake wheel has in bin/ is a Python script around it. */
const PROGRAM = { cmake: "cmake/data/bin/cmake", ninja: "bin/ninja" };

/**
 * `{compiler, cmake, ninja, make, wheels}`: the programs that run here, undefined where one is missing, and the wheels to
 * fetch before a build. CMake runs either of ninja and make, so one is enough. `say` hears why a CMake was passed over.
 */
export function findTools(say) {
  const candidates = (name) => [which(name), join(buildTools, name, PROGRAM[name])];
  const cmake = candidates("cmake").find((path) => path && runsNewEnough(path, say));
  const ninja = candidates("ninja").find((path) => path && ask(path, "--version") !== undefined);
  const make = which("make");
  const wheels = [...(cmake ? [] : ["cmake"]), ...(ninja || make ? [] : ["ninja"])];
  return { compiler: findCompiler(), cmake, ninja, make, wheels };
}

/** The C++ compiler that CMake will take: the one that CXX names, else the first of the usual names. */
function findCompiler() {
  const names = process.env.CXX ? [process.env.CXX.split(" ")[0]] : ["c++", "g++", "clang++"];
  return names.find((name) => ask(name, "--version") !== undefined);
}

/** Does this CMake run, and is it one that native/CMakeLists.txt accepts? */
function runsNewEnough(path, say) {
  const version = /cmake version (\d+)\.(\d+)/.exec(ask(path, "--version") ?? "");
  if (!version) return false;
  const oldest = /VERSION (\d+)\.(\d+)/.exec(readFileSync(join(packageRoot, "native", "CMakeLists.txt"), "utf8"));
  const [major, minor, oldestMajor, oldestMinor] = [...version.slice(1), ...oldest.slice(1)].map(Number);
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return true;
  say(`passing over ${path}: version ${major}.${minor} is older than ${oldestMajor}.${oldestMinor}`);
  return false;
}

/** Installs `wheels`, names of `PINNED`, into folders of their own, each whole or not at all. */
export async function fetchTools(wheels, { index, say }) {
  const { python } = findPip();
  const partial = join(build, "tools.partial");
  needSpace(build, 0.3, wheels.join(" and "));
  try {
    for (const name of wheels) {
      rmSync(partial, { recursive: true, force: true });
      mkdirSync(partial, { recursive: true });
      const wanted = `${name}==${PINNED[name]}`;
      const site = join(partial, "site");
      const install = (from) => {
        say(`installing ${name} ${PINNED[name]} from ${from ?? "the index of pip's own configuration"}`);
        const options = ["--quiet", "--no-deps", "--only-binary=:all:", ...(from ? ["--index-url", from] : [])];
        return runPip(python, partial, "install", ...options, "--target", site, wanted);
      };
      let result = await install(index);
      // The index is named for libtorch and may hold nothing else.
      if (result.code !== 0 && index) result = await install();
      if (result.code !== 0) {
        throw pipFailed(python, `${name} ${PINNED[name]}`, result.stderr, "or install CMake and make yourself.");
      }
      const own = join(buildTools, name);
      rmSync(own, { recursive: true, force: true });
      mkdirSync(dirname(own), { recursive: true });
      renameSync(site, own);
    }
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}
