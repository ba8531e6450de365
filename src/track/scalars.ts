/** @file The numbers of a line of metrics, by the names under which trackers show them. */
import type { Metrics } from "../run/lines.ts";
import { isObject } from "../util/json-object.ts";

/** Every finite number of a line, nested keys joined by `/`, e.g. `reward/terms/answer`. Alarms are texts, and left out. */
export function scalarsOf({ step: _, alarms: __, ...line }: Metrics): [name: string, value: number][] {
  return [...numbersIn(line, "")];
}

function* numbersIn(value: unknown, name: string): Generator<[string, number]> {
  if (typeof value === "number" && Number.isFinite(value)) yield [name, value];
  if (!isObject(value)) return;
  for (const [key, inner] of Object.entries(value)) yield* numbersIn(inner, name === "" ? key : `${name}/${key}`);
}
