/** @file A JSON text of a run folder that may be damaged, by its schema. */

import type { z } from "zod";

/** The value, or undefined where the text is not JSON or not what the schema says. */
export function parseLine<T>(text: string, schema: z.ZodType<T>): T | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
