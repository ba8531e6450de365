/** @file What the studio's routes take, checked, and how they say that something is not there. */

import { z } from "zod";
import { ApiError } from "../serve/api-error.ts";

/** Lines that are sent at once. */
const MOST_LINES = 64;

/** A number of an address. */
export const count = z.coerce.number().int().min(0);
/** Texts with commas between them. */
export const listed = z.string().transform((text) => text.split(","));
/** The places of some lines in a file, counted from 0. */
export const lines = listed.pipe(z.array(z.coerce.number<string>().int().min(0)).min(1).max(MOST_LINES));
/** Words to search for. */
export const words = z.string().max(500).optional();

/** @throws ApiError 404 where there is nothing */
export function there<T>(found: T | undefined, what: string): T {
  if (found === undefined) throw new ApiError(404, `There is no such ${what}.`);
  return found;
}

/** @throws ApiError 400 that names the faults */
export function valid<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues.map(({ path, message }) => [path.join("."), message].filter(Boolean).join(": "));
  throw new ApiError(400, faults.join("; "));
}
