/**
 * @file Builds a native library against a libtorch by CMake, and knows whether the one that lies there is made of the same. A
 * library is `{sources, file}`: the folder of its CMakeLists.txt, and the file in the folder that the build has to itself.
 */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { hashOf, headersVersion } from "./places.mjs";
import { needSpace, run, Stop } from "./shell.mjs";

/** What a library is built from; a change of any of it means building again. */
function ingredients({ sources }, { dir, version }) {
  return { sources: hashOf(sources), dir, version, headers: headersVersion() };
}

/** Is the library there, made of exactly these ingredients? */
export function libraryInPlace(library, libtorch) {
  if (!existsSync(library.file)) return false;
  const { tools: _, ...made } = readJson(stampOf(library)) ?? {};
  return JSON.stringify(made) === JSON.stringify(ingredients(library, libtorch));
}

/** Builds the library with the programs of `findTools`. @throws Stop when that fails */
export async function buildLibrary(library, libtorch, { cmake, ninja, make }) {
  const folder = dirname(library.file);
  needSpace(folder, 0.2, "the native library");
  const stamp = { ...ingredients(library, libtorch), tools: { cmake, runner: ninja ?? make } };
  // CMake remembers the libtorch and the programs that it was configured with, so others start from an empty folder.
  const last = readJson(stampOf(library));
  if (last?.dir !== stamp.dir || JSON.stringify(last.tools) !== JSON.stringify(stamp.tools)) {
    rmSync(folder, { recursive: true, force: true });
  }
  rmSync(stampOf(library), { force: true });
  const configure = ["-S", library.sources, "-B", folder, "-DCMAKE_BUILD_TYPE=Release"];
  configure.push("-G", ninja ? "Ninja" : "Unix Makefiles", `-DCMAKE_MAKE_PROGRAM=${ninja ?? make}`);
  const headers = dirname(createRequire(import.meta.url).resolve("node-api-headers/package.json"));
  configure.push(`-DTORCH_DIR=${libtorch.dir}`, `-DNODE_API_INCLUDE=${join(headers, "include")}`);
  for (const args of [configure, ["--build", folder, "--parallel", String(availableParallelism())]]) {
    const { code } = await run(cmake, args);
    if (code !== 0) {
      throw new Stop(
        "The native library could not be built (see the output above).",
        "Check that the compiler knows C++17 (CXX names another one) and that the libtorch named above is whole.",
      );
    }
  }
  writeJson(stampOf(library), stamp);
}

const stampOf = ({ file }) => join(dirname(file), "stamp.json");

/** The value of a JSON file, undefined where there is none. */
export function readJson(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined;
}

/** A file that is there whole or not at all: half a record would stop every later set-up. */
export function writeJson(path, value) {
  writeFileSync(`${path}.partial`, `${JSON.stringify(value, null, 2)}\n`);
  renameSync(`${path}.partial`, path);
}
