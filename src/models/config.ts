/** @file Checking of checkpoint configs: faults are named by file and key. */
import type { z } from "zod";
import { Faults } from "../util/faults.ts";

/** `value` checked against `schema`. @throws UserError listing every fault with its key */
export function parseConfig<T>(schema: z.ZodType<T>, value: unknown, file: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const faults = new Faults();
  for (const { path, message } of result.error.issues) faults.add(path.join(".") || "config", message);
  throw faults.error(
    `${file} does not describe a model this project knows`,
    "Is the file complete, and of this family? What is not computed here is refused rather than ignored.",
  );
}
