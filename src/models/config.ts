/** @file Reading of checkpoint configs: JSON objects whose faults are named by file and key. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { messageOf, UserError } from "../util/errors.ts";

/** The object in `dir/name`. @throws UserError when it is missing, not JSON, or not an object. */
export function readJson(dir: string, name: string): Record<string, unknown> {
  const path = join(dir, name);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new UserError(
      `${path} cannot be read: ${messageOf(error)}`,
      "Name a checkpoint folder in Hugging Face layout.",
    );
  }
  if (!value || typeof value !== "object" || Array.isArray(value))
    throw new UserError(`${path} is not a JSON object.`, "Download the file again.");
  return value as Record<string, unknown>;
}

/** `value` checked against `schema`. @throws UserError listing every fault with its key */
export function parseConfig<T>(schema: z.ZodType<T>, value: unknown, file: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new UserError(
    `${file} does not describe a model this project knows:\n${z.prettifyError(result.error)}`,
    "Is the file complete, and of this family? What is not computed here is refused rather than ignored.",
  );
}
