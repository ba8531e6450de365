/**
 * @file How Node.js loads a reward module and what it imports by a relative path, wherever they are: TypeScript, and
 * JavaScript whether or not a package.json says that it is ESM. `grit-ts` is this package, also for a module that has no
 * `node_modules`. Plain JavaScript, because Node.js runs these hooks in a thread that nothing has taught TypeScript.
 *
 * A URL that ends in `MARK` belongs to a reward module; all others are left alone.
 */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { transform } from "esbuild";

const MARK = "?grit-reward";
const TYPESCRIPT = /\.[mc]?ts$/;
/** ESM by its words, in a file whose name does not say so. */
const IMPORTS_OR_EXPORTS = /^\s*(import|export)\b/m;

/** The URL of this package's index, and the package's name. */
let own = { name: "", index: "" };

export function initialize(data) {
  own = data;
}

export async function resolve(specifier, context, next) {
  if (specifier.endsWith(MARK)) return { url: specifier, shortCircuit: true };
  const { parentURL } = context;
  if (!parentURL?.endsWith(MARK)) return next(specifier, context);
  if (specifier === own.name) return next(own.index, context);
  if (!/^\.{1,2}\//.test(specifier)) return next(specifier, context);
  const found = await firstOf(spellings(specifier), (spelling) => next(spelling, context));
  return { ...found, url: `${found.url.split("?")[0]}${MARK}`, shortCircuit: true };
}

/** What a relative import may stand for, as TypeScript reads it. */
function spellings(specifier) {
  return [specifier, specifier.replace(/\.([mc]?)js$/, ".$1ts"), `${specifier}.ts`, `${specifier}.js`];
}

/** The first of these that can be resolved; the first one's error when none can. */
async function firstOf(spellings, attempt) {
  let firstError;
  for (const spelling of spellings) {
    try {
      return await attempt(spelling);
    } catch (error) {
      firstError ??= error;
    }
  }
  throw firstError;
}

export async function load(url, context, next) {
  if (!url.endsWith(MARK)) return next(url, context);
  const plain = url.slice(0, -MARK.length);
  const path = fileURLToPath(plain);
  if (TYPESCRIPT.test(path)) {
    const text = await readFile(path, "utf8");
    const options = { loader: "ts", format: "esm", target: "node20", sourcemap: "inline", sourcefile: path };
    return { format: "module", source: (await transform(text, options)).code, shortCircuit: true };
  }
  if (path.endsWith(".js")) {
    const source = await readFile(path, "utf8");
    if (IMPORTS_OR_EXPORTS.test(source)) return { format: "module", source, shortCircuit: true };
  }
  return next(plain, context);
}
