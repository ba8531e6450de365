/** @file Checking of checkpoint configs: faults are named by file and key. */
import type { z } from "zod";
import { Faults } from "../util/faults.ts";
import { isObject } from "../util/json-object.ts";

/** `value` checked against `schema`. @throws UserError listing every fault with its key */
export function parseConfig<T>(schema: z.ZodType<T>, value: unknown, file: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const faults = new Faults();
  // A value that is wrong in two ways is one fault.
  const issues = new Map(result.error.issues.toReversed().map((issue) => [issue.path.join("."), issue]));
  for (const [key, { path, message }] of [...issues].toReversed())
    faults.add(key || "config", `${message.replace("Invalid input: ", "")}; it is ${shown(value, path)}`);
  throw faults.error(
    `${file} has settings that are not known here`,
    "Restore the file from where the checkpoint came from; what is not computed here is refused rather than ignored.",
  );
}

/** What stands under a key, in short. */
function shown(value: unknown, path: readonly PropertyKey[]): string {
  const found = path.reduce<unknown>((part, key) => (part as Record<PropertyKey, unknown> | undefined)?.[key], value);
  if (isObject(found)) return "an object";
  return found === undefined ? "missing" : JSON.stringify(found).slice(0, 60);
}
