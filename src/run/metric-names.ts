/** @file The numbers of a line of `metrics.jsonl` by name, e.g. `reward.terms.answer`. */

import type { Metrics } from "./lines.ts";

/** Every number of a line under the keys that lead to it, joined by dots; null where a value does not apply. The step is not one. */
export function numbersIn(line: Metrics): Record<string, number | null> {
  const { step: _, ...rest } = line;
  const found: Record<string, number | null> = {};
  collect(rest, "", found);
  return found;
}

function collect(value: unknown, name: string, found: Record<string, number | null>): void {
  if (typeof value === "number" || value === null) found[name] = value as number | null;
  // Lists hold events, not numbers over the steps.
  else if (typeof value === "object" && !Array.isArray(value)) {
    for (const [key, inner] of Object.entries(value as object))
      collect(inner, name === "" ? key : `${name}.${key}`, found);
  }
}
