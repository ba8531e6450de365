/** @file Advice on an invalid value, with a valid one to paste. */
import { stringify } from "yaml";
import { z } from "zod";
import { nearest } from "../util/errors.ts";
import { shortened } from "../util/shortened.ts";
import { bare, schemaAt } from "./key-advice.ts";

type Key = string | number;

/** A value as it was given. */
export interface Given {
  /** As it was written: a path not yet resolved. */
  readonly value: unknown;
  /** By an override `key.sub=value`, or in the file. */
  readonly override: boolean;
}

/** What is wrong with a value, as words that follow its key. @param schema of the whole file */
export function adviceOnValue(issue: z.core.$ZodIssue, schema: unknown, { value, override }: Given): string {
  const path = issue.path as Key[];
  const given = shortened(JSON.stringify(value) ?? "undefined");
  switch (issue.code) {
    case "invalid_type": {
      if (issue.input === undefined) return "is missing";
      return `is ${given}, not ${typeName(issue.expected)}${pasted(path, schema, value, override)}`;
    }
    case "invalid_union":
      return `is ${given}, which it cannot be${pasted(path, schema, value, override)}`;
    case "invalid_value": {
      const guess = typeof issue.input === "string" ? nearest(issue.input, issue.values.map(String)) : undefined;
      return `is ${given}; ${guess ? `did you mean ${guess}? ` : ""}choices: ${issue.values.join(", ")}`;
    }
    case "too_small":
      return `is ${given}, but must be ${issue.inclusive ? "at least" : "more than"} ${issue.minimum}${ofWhat(issue.origin)}`;
    case "too_big":
      return `is ${given}, but must be ${issue.inclusive ? "at most" : "less than"} ${issue.maximum}${ofWhat(issue.origin)}`;
    default:
      return issue.message;
  }
}

function typeName(type: string): string {
  const names: Readonly<Record<string, string>> = {
    int: "a whole number",
    array: "a list",
    tuple: "a list",
    object: "a section with keys of its own",
    record: "a section with keys of its own",
    boolean: "true or false",
    string: "text",
  };
  return names[type] ?? `a ${type}`;
}

/** `; write data.train=[f]`, or as the file would have it; empty without an example. */
function pasted(path: readonly Key[], schema: unknown, value: unknown, override: boolean): string {
  const example = exampleOf(schemaAt(schema, path), value);
  if (!example || path.length === 0) return "";
  const written = inline(example.value);
  if (written !== shortened(written)) return "";
  if (override) return `; write ${[...path, ...example.below].join(".")}=${written}`;
  const nested = example.below.reduceRight((inner, key) => ({ [key]: inner }) as unknown, example.value);
  const key = path.at(-1)!;
  return `; write ${typeof key === "number" ? inline(nested) : `${key}: ${inline(nested)}`}`;
}

/** A value in YAML on one line: `[a.jsonl]`, `{ lr: 0.1 }`. */
function inline(value: unknown): string {
  if (typeof value === "number" && value !== 0 && Math.abs(value) < 1e-3) return value.toExponential();
  return stringify(value, { collectionStyle: "flow", flowCollectionPadding: false, lineWidth: 0 }).trim();
}

/** A valid value, and the keys below its own that it belongs to: what was probably meant, else the default, else any. */
function exampleOf(schema: unknown, given: unknown): { below: string[]; value: unknown } | undefined {
  const inner = bare(schema);
  const here = (value: unknown) => ({ below: [], value });
  const meant = meanings(given).find((value) => inner instanceof z.ZodType && inner.safeParse(value).success);
  if (meant !== undefined) return here(meant);
  const filled = defaultOf(schema);
  if (filled !== undefined && !(inner instanceof z.ZodObject)) return here(filled);
  if (inner instanceof z.ZodObject) {
    for (const [key, value] of Object.entries(inner.shape)) {
      const example = exampleOf(value, "");
      if (example) return { below: [key, ...example.below], value: example.value };
    }
  }
  return undefined;
}

/** What was probably meant by a value of the wrong type. */
function meanings(given: unknown): unknown[] {
  if (given === null || given === "") return [];
  const word = String(given).toLowerCase();
  return [
    [given],
    ...(typeof given === "string" && Number.isFinite(Number(given)) ? [Number(given)] : []),
    ...(["yes", "on", "1", "true"].includes(word) ? [true] : []),
    ...(["no", "off", "0", "false"].includes(word) ? [false] : []),
  ];
}

function defaultOf(schema: unknown): unknown {
  if (schema instanceof z.ZodDefault) return schema.def.defaultValue;
  return schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault
    ? defaultOf(schema.def.innerType)
    : undefined;
}

function ofWhat(origin: string): string {
  return origin === "array" ? " items long" : origin === "string" ? " characters long" : "";
}
