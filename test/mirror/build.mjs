/**
 * @file Builds the mirror device against the libtorch of the last set-up, unless it is in place, and notes what PyTorch's
 * table of operators says of CUDA. All of it is in `build/mirror/`.
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parse } from "yaml";
import { findTools } from "../../tools/cmake.mjs";
import { buildLibrary, libraryInPlace, readJson, writeJson } from "../../tools/native-build.mjs";
import { build, setupCommand } from "../../tools/places.mjs";
import { Stop } from "../../tools/shell.mjs";

/** The native library, beside which `RULES` lies. */
export const MIRROR = join(build, "mirror", "mirror.node");
export const RULES = join(dirname(MIRROR), "rules.json");

/** @throws Stop when something for the build is missing */
export async function buildMirror() {
  const libtorch = readJson(join(build, "libtorch.json"));
  if (!libtorch) throw new Stop("The native library is not built.", `Run \`${setupCommand}\`.`);
  const library = { sources: join(import.meta.dirname, "native"), file: MIRROR };
  if (libraryInPlace(library, libtorch) && existsSync(RULES)) return;
  await buildLibrary(library, libtorch, findTools(console.log));
  writeJson(RULES, rulesOf(libtorch));
}

/**
 * Names of operators: `unchecked`, which make their own check that all tensors are on one device, and `hostOnly`, which have a
 * kernel for the CPU and none for CUDA.
 */
function rulesOf({ dir }) {
  const table = join(dirname(dir), "torchgen", "packaged", "ATen", "native", "native_functions.yaml");
  if (!existsSync(table)) {
    throw new Stop(`The mirror needs PyTorch's table of operators, ${table}.`, "Set up with the libtorch of a wheel.");
  }
  const operators = parse(readFileSync(table, "utf8")).map((entry) => ({ ...entry, name: entry.func.split("(")[0] }));
  const keysOf = ({ dispatch = {} }) => Object.keys(dispatch).flatMap((keys) => keys.split(/,\s*/));
  const byName = new Map(operators.map((entry) => [entry.name, keysOf(entry)]));
  const isHostOnly = ({ name, structured_delegate }) => {
    const keys = byName.get(structured_delegate ?? name) ?? [];
    return keys.includes("CPU") && !keys.some((key) => key === "CUDA" || key.startsWith("Composite"));
  };
  return {
    unchecked: operators.filter(({ device_check }) => device_check === "NoCheck").map(({ name }) => name),
    hostOnly: operators.filter(isHostOnly).map(({ name }) => name),
  };
}
