/** @file `grit.json`: how the model of a checkpoint was asked when it was trained, so that it is asked the same way afterwards. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { readJsonIfPresent } from "../hub/checkpoint-files.ts";
import { UserError } from "../util/errors.ts";
import { METHOD_NAMES } from "./methods.ts";

const FILE = "grit.json";

const count = z.int().positive().optional();
const schema = z.object({
  /** The way of asking. */
  method: z.enum(METHOD_NAMES),
  /** The image options that override the processor's files. */
  image: z.object({
    minPixels: count,
    maxPixels: count,
    doubleResize: z.boolean().optional(),
    minTiles: count,
    maxTiles: count,
  }),
});
export type AskedAs = z.infer<typeof schema>;

/** What the file of a checkpoint or adapter folder says; undefined without one. @throws UserError when it is invalid */
export function askedAs(dir: string): AskedAs | undefined {
  const json = readJsonIfPresent(dir, FILE);
  if (json === undefined) return undefined;
  const { success, data, error } = schema.safeParse(json);
  if (success) return data;
  const [{ path: key, message }] = error.issues as [z.core.$ZodIssue];
  throw new UserError(
    `${path.join(dir, FILE)}: ${key.join(".")}: ${message}.`,
    "Restore the file, or remove it and name --method yourself.",
  );
}

/** Writes what `askedAs` reads. */
export function writeAskedAs(dir: string, asked: AskedAs): void {
  writeFileSync(path.join(dir, FILE), `${JSON.stringify(asked, null, 2)}\n`);
}
