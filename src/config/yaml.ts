/**
 * @file Reads a YAML file against a schema, with `key.sub=value` overrides from the command line. Every fault is reported at
 * once, with its line, its key and the nearest key that exists.
 */
import { existsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { type Document, isMap, isScalar, isSeq, type LineCounter, parse } from "yaml";
import type { z } from "zod";
import { outsidePackage } from "../../tools/places.mjs";
import { kindOf } from "../hub/folder-kind.ts";
import { anchored, modelFolder } from "../hub/resolve.ts";
import { messageOf, UserError } from "../util/errors.ts";
import { Faults } from "../util/faults.ts";
import { isObject } from "../util/json-object.ts";
import { shortened } from "../util/shortened.ts";
import { adviceOn } from "./key-advice.ts";
import { remember } from "./key-places.ts";
import { recipeFile } from "./recipe-file.ts";
import { adviceOnValue } from "./value-advice.ts";
import { finite, inWords, readYamlDocument } from "./yaml-document.ts";

/** Values that one file sets in another. */
export interface SetValues {
  /** By key or dotted key: `{ prompts_per_step: 2, "rewards.weights.counting": 0 }`. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Where their paths start. */
  readonly folder: string;
  /** What sets them, for messages: `recipes/eval.yaml: rows.b8.set`. */
  readonly by: string;
}

export interface YamlOptions<T = unknown> {
  /** `key.sub=value`, the value in YAML; the last one of a key wins. */
  readonly overrides?: readonly string[];
  /** Values that another file sets in this one, before the overrides. */
  readonly set?: SetValues | undefined;
  /**
   * Keys that hold paths, `*` for any key: `data.eval.*`. A path in the file starts at the file's folder, a path on the
   * command line at the current one; what is returned is absolute. A list holds a path in each item.
   */
  readonly paths?: readonly string[];
  /**
   * As `paths`, of keys that name a model: by a folder, by a run folder, whose latest checkpoint is returned, or by the hub id of
   * a model in the cache, whose folder is returned.
   */
  readonly models?: readonly string[];
  /** Whether the hub id of a model that is not there stays as it is, for work that needs no weights. */
  readonly absentModels?: boolean;
  /** Those of `paths` and `models` that must exist, which may depend on the value. */
  readonly present?: (value: T) => Present;
}

/** Keys whose paths must lead to something. */
export interface Present {
  readonly files?: readonly string[];
  readonly folders?: readonly string[];
  /** Those of checkpoints. */
  readonly models?: readonly string[];
}

type Key = string | number;

const REMEDY = "Fix what is named above and run the command again.";

/**
 * The file's value, defaults filled in. A name without .yaml is that of a recipe that comes with the package.
 * @throws UserError naming every fault by file, line and key
 */
export async function loadYaml<T>(named: string, schema: z.ZodType<T>, options: YamlOptions<T> = {}): Promise<T> {
  const file = recipeFile(named);
  const { overrides = [], set, paths = [], models = [], absentModels = false, present = () => ({}) } = options;
  const placed = (value: unknown, folder: string) =>
    mapAt(
      mapAt(value, paths, (path) => outsidePackage(resolve(folder, path))),
      models,
      (name) => anchored(name, folder),
    );
  const { document, lines, value: written } = await readYamlDocument(file);
  const faults = new Faults();
  let value = placed(written, dirname(file));
  const overridden = [...(set ? overridesIn(set) : []), ...overrides.map(parseOverride)];
  for (const { key, value: wanted, folder } of overridden) value = merge(value, placed(wanted, folder), key.length);

  const overrideOf = (path: readonly Key[]) => overridden.findLast(({ key }) => path.length > 0 && agree(key, path));
  const placeOf = (path: readonly Key[]) => {
    const override = overrideOf(path);
    return override?.by ?? `${file}:${lineOf(document, lines, path)}`;
  };
  const where = (path: readonly Key[]) => `${placeOf(path)}: ${nameOf(path)}`;
  value = mapAt(value, models, (name, path) => {
    try {
      return modelFolder(name);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      if (!absentModels) faults.add(where(path), error.message);
      return name;
    }
  });
  const result = schema.safeParse(value, { reportInput: true });
  for (const issue of result.error?.issues ?? []) {
    const path = issue.path as Key[];
    if (issue.code !== "unrecognized_keys") {
      const override = overrideOf(path);
      // Show what the user wrote, not what defaults and overrides made of it.
      const given = at(override ? override.value : written, path) ?? at(value, path);
      faults.add(where(path), adviceOnValue(issue, schema, { value: given, override: override !== undefined }));
    } else {
      for (const key of issue.keys) {
        for (const advice of adviceOn([...path, key], at(value, [...path, key]), schema)) {
          faults.add(where(advice.path), advice.what);
        }
      }
    }
  }
  faults.throwIfAny(file, REMEDY);
  const data = result.data!;
  for (const [kind, keys] of Object.entries(present(data)) as [keyof Present, readonly string[]][])
    mapAt(data, keys, (wanted, path) => {
      const start = overrideOf(path)?.start ?? "paths in this file start at its folder";
      const fault = absence(kind, wanted, start);
      if (fault) faults.add(where(path), fault);
      return wanted;
    });
  faults.throwIfAny(file, REMEDY);
  remember(data as object, (key) => placeOf(key.split(".")));
  return data;
}

/** Why a path does not lead to what is wanted there; undefined where it does. `start` says where paths start. */
function absence(kind: keyof Present, path: string, start: string): string | undefined {
  const found = existsSync(path) ? statSync(path) : undefined;
  const name = shortened(path);
  if (kind === "files") {
    if (!found) return `no such file: ${name} (${start})`;
    return found.isDirectory() ? `is a folder, not a file: ${name}` : undefined;
  }
  if (!found) return `no such folder: ${name} (${start})${kind === "models" ? `; ${MODELS}` : ""}`;
  if (!found.isDirectory()) return `is a file, not a folder: ${name}`;
  return kind === "folders" || kindOf(path) === "model"
    ? undefined
    : `is not a checkpoint's folder: ${name}; ${MODELS}`;
}

const MODELS = "name a checkpoint's folder, a run folder, or the hub id of a downloaded model";

/** Are the keys equal, or is one above the other? */
function agree(a: readonly Key[], b: readonly Key[]): boolean {
  return a.slice(0, b.length).every((part, i) => String(part) === String(b[i]));
}

/** A value that takes the place of the file's. */
interface Override {
  readonly key: readonly string[];
  /** The value, nested as in the file. */
  readonly value: unknown;
  /** Where its paths start, and that in words. */
  readonly folder: string;
  readonly start: string;
  /** Who gives it, for messages. */
  readonly by: string;
}

/** Each value that is not a section, by its whole key. */
function overridesIn({ values, folder, by }: SetValues, above: readonly string[] = []): Override[] {
  return Object.entries(values).flatMap(([name, value]) => {
    const key = [...above, ...name.split(".")];
    if (isObject(value)) return overridesIn({ values: value, folder, by }, key);
    return { key, value: nest(key, value), folder, start: "paths there start at its folder", by };
  });
}

function parseOverride(override: string): Override {
  const sign = override.indexOf("=");
  const key = override.slice(0, Math.max(sign, 0)).split(".");
  if (key.some((part) => part === "")) {
    throw new UserError(
      `"${override}" is not an override`,
      "Write key=value or key.sub=value, without spaces around the sign.",
    );
  }
  try {
    return {
      key,
      value: nest(key, finite(parse(override.slice(sign + 1), { prettyErrors: false }))),
      folder: process.cwd(),
      start: "on the command line a path starts at the current directory",
      by: `command line, ${override}`,
    };
  } catch (error) {
    throw new UserError(
      `"${override.length > 60 ? `${override.slice(0, 60)}…` : override}": the value is not YAML (${inWords(messageOf(error))})`,
      "Quote it for YAML and for the shell.",
    );
  }
}

/** `{a: {b: value}}` for the key a.b. */
function nest(key: readonly string[], value: unknown): unknown {
  return key.reduceRight((inner: unknown, part) => ({ [part]: inner }), value);
}

/** `base` with the value that `over` holds `depth` keys down; whatever is not a map on the way is replaced by one. */
function merge(base: unknown, over: unknown, depth: number): unknown {
  if (depth === 0 || !isObject(over)) return over;
  const [key, inner] = Object.entries(over)[0]!;
  const map = isObject(base) ? base : {};
  return { ...map, [key]: merge(map[key], inner, depth - 1) };
}

/** `value` with each text at these keys changed. */
function mapAt(value: unknown, keys: readonly string[], change: Change): unknown {
  return keys.reduce((done, key) => mapUnder(done, key.split("."), [], change), value);
}

/** Changes a text, given its key. */
type Change = (text: string, path: readonly Key[]) => string;

/** The value found at `path`, with the texts at the keys `below` it changed, also in a list there. */
function mapUnder(value: unknown, below: readonly string[], path: readonly Key[], change: Change): unknown {
  if (typeof value === "string" && below.length === 0) return change(value, path);
  if (Array.isArray(value) && below.length === 0)
    return value.map((item, i) => mapUnder(item, below, [...path, i], change));
  if (!isObject(value) || below.length === 0) return value;
  const [key, ...rest] = below as [string, ...string[]];
  const keys = key === "*" ? Object.keys(value) : Object.hasOwn(value, key) ? [key] : [];
  const changed = keys.map((each) => [each, mapUnder(value[each], rest, [...path, each], change)]);
  return { ...value, ...Object.fromEntries(changed) };
}

/** The value at a path; undefined if there is none. */
function at(value: unknown, path: readonly Key[]): unknown {
  return path.reduce((inner: unknown, key) => (inner as Record<Key, unknown> | null | undefined)?.[key], value);
}

/** The line of the key, or of the innermost of its parents that the file has. */
function lineOf(document: Document.Parsed, lines: LineCounter, path: readonly Key[]): number {
  let node: unknown = document.contents;
  let offset = 0;
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part));
      if (!pair || !isScalar(pair.key)) break;
      offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(part)];
      offset = (node as { range?: [number] } | undefined)?.range?.[0] ?? offset;
    }
  }
  return lines.linePos(offset).line;
}

function nameOf(path: readonly Key[]): string {
  return path.length === 0 ? "the file" : path.join(".");
}
