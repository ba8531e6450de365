/**
 * @file Builds the studio's page with Vite from `src/studio/app/`: what set-up does in a clone, and packing for a package.
 *
 *     node tools/studio-page.mjs DIR
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { readJson, writeJson } from "./native-build.mjs";
import { packageRoot, studioPage } from "./places.mjs";

const app = join(packageRoot, "src", "studio", "app");

/** Which sources the built page is made of, by their hashes. */
const record = `${studioPage}.json`;

/** Was the page built from the sources as they are now? */
export function pageInPlace() {
  const sources = existsSync(join(studioPage, "index.html")) ? readJson(record) : undefined;
  return sources !== undefined && Object.entries(sources).every(([path, hash]) => hashOfFile(path) === hash);
}

/** Builds the page into a folder, which then holds nothing else. */
export async function buildPage(folder = studioPage) {
  const { build } = await import("vite");
  const sources = new Set(["package-lock.json", "src/studio/app/index.html"]);
  const noting = {
    name: "sources",
    generateBundle() {
      const own = [...this.getModuleIds()].filter((id) => id.startsWith(packageRoot) && !id.includes("node_modules"));
      for (const id of own) sources.add(relative(packageRoot, id.split("?")[0]));
    },
  };
  await build({
    configFile: false,
    root: app,
    base: "./",
    logLevel: "warn",
    plugins: [noting],
    // Only files of the package are served: nothing is inlined as data that the page's policy would have to allow.
    build: {
      outDir: folder,
      emptyOutDir: true,
      assetsInlineLimit: 0,
      target: "es2023",
      license: { fileName: "licenses.md" },
    },
  });
  if (folder === studioPage)
    writeJson(record, Object.fromEntries([...sources].map((path) => [path, hashOfFile(path)])));
}

/** SHA-256, hex, of a file of the repository; undefined where it is gone. */
function hashOfFile(path) {
  const file = join(packageRoot, path);
  return existsSync(file) ? createHash("sha256").update(readFileSync(file)).digest("hex") : undefined;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  await buildPage(process.argv[2] && join(packageRoot, process.argv[2]));
