/** @file Which files of a model are fetched. */
import { UserError } from "../util/errors.ts";
import { firstFew } from "../util/faults.ts";
import type { RepoFile } from "./listing.ts";

/** Patterns as in `hf download`: `*` any text, also across `/`; `?` one character; `[ab]`, `[!ab]` one of them, none of them. */
export interface Filter {
  /** Instead of what is fetched by default. */
  readonly include?: readonly string[];
  /** But not these. */
  readonly exclude?: readonly string[];
}

/** What makes a checkpoint folder: weights, configuration, tokenizer and chat template, at the repository's top. */
const CHECKPOINT = /^[^/]+\.(safetensors|json|txt|jinja|model)$/;
/** Never fetched, whatever is asked for: files that a reader would execute, as pickles or as code. */
const PICKLE = /\.(bin|pt|pth|ckpt|pkl|pickle|joblib|dill|npy|npz)$/i;
const CODE = /\.(py|pyc|pyd|so|dll|dylib|exe|sh)$/i;

/**
 * The files to fetch, and those that `include` names although they are never fetched.
 * @throws UserError when none is left, or by default no weights
 */
export function choose(
  files: readonly RepoFile[],
  { include, exclude = [] }: Filter,
): { chosen: RepoFile[]; refused: RepoFile[] } {
  const wanted = include ? matches(include) : (path: string) => CHECKPOINT.test(path);
  const unwanted = matches(exclude);
  const matched = files.filter(({ path }) => wanted(path) && !unwanted(path));
  const harmful = ({ path }: RepoFile) => PICKLE.test(path) || CODE.test(path);
  const [chosen, refused] = [matched.filter((file) => !harmful(file)), matched.filter(harmful)];
  const pickles = files.filter(({ path }) => PICKLE.test(path)).map(({ path }) => path);
  if (!include && exclude.length === 0 && pickles.length > 0 && !chosen.some(({ path }) => /\.safetensors$/.test(path)))
    throw new UserError(
      `The weights are pickles (${firstFew(pickles).join(", ")}), which can run code and are never fetched.`,
      "Look for the same model in safetensors: a branch of it, or another repository.",
    );
  if (chosen.length === 0)
    throw new UserError(
      refused.length > 0
        ? `All that matches is never fetched, as it can run code: ${namesOf(refused)}.`
        : "No file matches.",
      `There are ${namesOf(files) || "no files"}. By default come safetensors, json, txt, jinja and model files at the top.`,
    );
  return { chosen, refused };
}

/** The paths of some files, the first of them if they are many. */
export function namesOf(files: readonly RepoFile[]): string {
  return firstFew(files.map(({ path }) => path)).join(", ");
}

function matches(patterns: readonly string[]): (path: string) => boolean {
  const expressions = patterns.map(expressionOf);
  return (path) => expressions.some((expression) => expression.test(path));
}

/** A pattern as Python's fnmatch reads it. */
function expressionOf(pattern: string): RegExp {
  const source = pattern.replace(
    /\[(!?)([^\]]+)\]|[\s\S]/g,
    (symbol, not: string | undefined, set: string | undefined) => {
      if (set !== undefined) return `[${not ? "^" : ""}${set.replace(/[\\^]/g, "\\$&")}]`;
      if (symbol === "*") return ".*";
      return symbol === "?" ? "." : symbol.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
    },
  );
  return new RegExp(`^${source}$`, "s");
}
