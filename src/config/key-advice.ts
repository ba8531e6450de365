/**
 * @file Advice on an unknown key: our name for a setting of TRL, verl or ms-swift, the right place of a key at the wrong level,
 * the key that was mistyped, or else the keys that exist.
 */
import { z } from "zod";
import { editDistance } from "../util/errors.ts";
import { OTHER_NAMES } from "./other-names.ts";

type Key = string | number;

/**
 * Advice on the unknown key at `path`, or, where it is a section of another program's, on each key below it.
 * @param value what stands there
 * @param schema of the whole file
 */
export function adviceOn(
  path: readonly Key[],
  value: unknown,
  schema: unknown,
): { readonly path: readonly Key[]; readonly what: string }[] {
  const known = keyPaths(schema);
  const leaves = leavesOf(value, path);
  const foreign = leaves.map((leaf) => ({ path: leaf, what: nameHere(leaf.join("."), known) }));
  if (foreign.some(({ what }) => what !== undefined)) {
    return foreign.map((each) => ({ path: each.path, what: each.what ?? mistyped(each.path, known, schema) }));
  }
  return [{ path, what: mistyped(path, known, schema) }];
}

/** Our name for a setting by its name elsewhere; undefined for a name that is not known. */
function nameHere(name: string, known: readonly string[]): string | undefined {
  for (const end of endsOf(name)) {
    const found = OTHER_NAMES.find(({ theirs }) => theirs.includes(end));
    if (found) {
      const ours = found.ours.find((key) => known.includes(key));
      // In a file without such a key, e.g. of an evaluation, a setting of training needs no advice.
      if (ours === undefined && found.ours.length > 0) continue;
      const note = found.note ? ` (${found.note})` : "";
      return ours ? `no such key; here it is ${ours}${note}` : `no such key; ${found.note}`;
    }
    const moved = known.filter((key) => last(key) === end && key !== name);
    if (moved.length > 0) return `no such key; did you mean ${listed(moved)}?`;
  }
  return undefined;
}

/** `a.b.c`, `b.c`, `c`. */
function endsOf(name: string): string[] {
  const parts = name.split(".");
  return parts.map((_, i) => parts.slice(i).join("."));
}

/** The nearest key by edit distance, of the whole path or of its last part; else the keys at that place. */
function mistyped(path: readonly Key[], known: readonly string[], schema: unknown): string {
  const given = path.join(".");
  const siblings = keysAt(schema, path.slice(0, -1));
  const name = last(given);
  const prefix = path.slice(0, -1).join(".");
  const candidates = [
    ...siblings.map((key) => ({ says: prefix ? `${prefix}.${key}` : key, distance: editDistance(name, key) })),
    ...known.map((key) => ({
      says: key,
      distance: Math.min(editDistance(given, key), editDistance(name, last(key))),
    })),
    ...OTHER_NAMES.flatMap(({ ours, theirs }) => {
      const says = ours.find((key) => known.includes(key));
      return says ? theirs.map((other) => ({ says, distance: editDistance(name, other) })) : [];
    }),
  ];
  const best = candidates.reduce(
    (a, b) => (b.distance < a.distance ? b : a),
    candidates[0] ?? { says: "", distance: 99 },
  );
  // A third of the letters may be wrong: beyond that a guess is more likely to mislead than to help.
  if (best.distance <= Math.max(1, Math.floor(name.length / 3))) return `no such key; did you mean ${best.says}?`;
  return `no such key; ${prefix ? `${prefix} has` : "there are"} ${siblings.join(", ")}`;
}

function last(key: string): string {
  return key.slice(key.lastIndexOf(".") + 1);
}

function listed(keys: readonly string[]): string {
  return keys.length === 1 ? keys[0]! : `${keys.slice(0, -1).join(", ")} or ${keys.at(-1)}`;
}

/** The paths of all leaves below a value; its own path if it is a leaf. */
function leavesOf(value: unknown, path: readonly Key[]): (readonly Key[])[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [path];
  const below = Object.entries(value).flatMap(([key, inner]) => leavesOf(inner, [...path, key]));
  return below.length > 0 ? below : [path];
}

/** A schema without its defaults, wrappers and checks. */
export function bare(schema: unknown): unknown {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional) {
    return bare(schema.def.innerType);
  }
  return schema instanceof z.ZodPipe ? bare(schema.def.in) : schema;
}

/** The schema at a path; undefined where there cannot be a value. */
export function schemaAt(schema: unknown, path: readonly Key[]): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return schema;
  const inner = bare(schema);
  if (inner instanceof z.ZodObject) return schemaAt(inner.shape[key], rest);
  if (inner instanceof z.ZodRecord) return schemaAt(inner.def.valueType, rest);
  if (inner instanceof z.ZodArray) return schemaAt(inner.def.element, rest);
  return undefined;
}

/** The keys that the schema knows at a path. */
export function keysAt(schema: unknown, path: readonly Key[]): string[] {
  const inner = bare(schemaAt(schema, path));
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}

/** Every key of the schema by its whole path, sections too; without keys below lists or below names that the user chooses. */
export function keyPaths(schema: unknown, prefix = ""): string[] {
  const inner = bare(schema);
  if (!(inner instanceof z.ZodObject)) return [];
  return Object.entries(inner.shape).flatMap(([key, value]) => [prefix + key, ...keyPaths(value, `${prefix}${key}.`)]);
}
