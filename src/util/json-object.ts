/** @file What JSON calls an object. */

export type JsonObject = Record<string, unknown>;

/** Is a value a JSON object: not null, not an array? */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
