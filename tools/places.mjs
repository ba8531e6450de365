/**
 * @file Where the program and what set-up makes are: decided here alone, for set-up and for the program. A clone keeps all
 * of it in its own folder. An installed package leaves `node_modules` as it is and uses the user's cache, in which several
 * versions can live side by side. Node's built-ins only, because set-up runs before any dependency is installed.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** The pinned libtorch. */
export const LIBTORCH_VERSION = "2.13.0";

/** The folder of package.json. These scripts are in its `tools/`, and in its `dist/tools/` when they are built. */
export const packageRoot = rootAbove(dirname(fileURLToPath(import.meta.url)));

/** What the native library is made of. */
export const nativeSources = join(packageRoot, "native");

/** Is this a clone? It has the lock file of its packages, which npm leaves out of a package. */
export const isClone = existsSync(join(packageRoot, "package-lock.json"));

/** What the user types to set up. */
export const setupCommand = isClone ? "npm run setup" : "npx grit setup";

/** For what is made once and used by all runs: scenes, and in an installed package what set-up makes. */
export const cache = isClone ? join(packageRoot, ".cache") : userCache(process.env, process.platform);

/** The scenes that the recipes of the package train on. */
export const scenes = join(cache, "scenes");

/** `build` holds the addon and the records of set-up, `libtorch` and `buildTools` what set-up fetches. */
export const { build, libtorch, buildTools } = isClone
  ? {
      build: join(packageRoot, "build"),
      libtorch: join(packageRoot, ".libtorch"),
      buildTools: join(packageRoot, ".build-tools"),
    }
  : {
      build: join(cache, `addon-${packageVersion()}-${hashOf(nativeSources).slice(0, 12)}`),
      libtorch: join(cache, `libtorch-${LIBTORCH_VERSION}`),
      buildTools: join(cache, "build-tools"),
    };

/** The studio's page, built: by set-up in a clone, by packing in a package. */
export const studioPage = isClone ? join(packageRoot, "build", "studio") : join(packageRoot, "dist", "studio");

/** The native library. */
export const addon = join(build, "native", "grit.node");

/**
 * The user's cache folder: `GRIT_CACHE`, or else `grit-ts` in the system's own.
 * @param {Readonly<Record<string, string | undefined>>} env
 * @param {string} platform
 * @returns {string}
 */
export function userCache(env, platform) {
  if (env.GRIT_CACHE) return resolve(env.GRIT_CACHE);
  if (env.XDG_CACHE_HOME) return join(resolve(env.XDG_CACHE_HOME), "grit-ts");
  return join(homedir(), platform === "darwin" ? join("Library", "Caches") : ".cache", "grit-ts");
}

/**
 * A path as an installed package takes it: what its recipes look for in `.cache/` beside them is in the user's cache.
 * @param {string} path an absolute path
 * @returns {string}
 */
export function outsidePackage(path) {
  const own = join(packageRoot, ".cache") + sep;
  return path.startsWith(own) ? join(cache, path.slice(own.length)) : path;
}

/** @returns {string} */
export function packageVersion() {
  return packageJson().version;
}

/** The pinned version of the headers that the addon is built with. */
export function headersVersion() {
  return packageJson().dependencies["node-api-headers"];
}

/**
 * SHA-256, hex, over the names and contents of the files of a folder of the package.
 * @param {string} folder
 * @returns {string}
 */
export function hashOf(folder) {
  const hash = createHash("sha256");
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  for (const path of files.sort()) hash.update(`${path.slice(packageRoot.length)}\0`).update(readFileSync(path));
  return hash.digest("hex");
}

function packageJson() {
  return JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8"));
}

/** @param {string} folder @returns {string} */
function rootAbove(folder) {
  return existsSync(join(folder, "package.json")) ? folder : rootAbove(dirname(folder));
}
