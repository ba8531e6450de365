/** @file The type that a model is computed in: what the user may ask for, and what `auto` becomes on a device. */
import { type ProcessorInfo, processor } from "./processor.ts";

/** `auto`: bfloat16 where the device multiplies it natively, float32 elsewhere. */
export const PRECISIONS = ["auto", "float32", "bfloat16"] as const;
export type Precision = (typeof PRECISIONS)[number];
/** What a model can be computed in. */
export type ComputeType = Exclude<Precision, "auto">;

/** The names that other programs use, and ours. */
const OTHER_NAMES = new Map<string, Precision>([
  ["bf16", "bfloat16"],
  ["fp32", "float32"],
  ["f32", "float32"],
  ["float", "float32"],
  ["single", "float32"],
]);

/** What to write instead of a precision that is not supported. */
export function precisionAdvice(given: unknown): string {
  const name = OTHER_NAMES.get(String(given).toLowerCase());
  if (name) return `Write ${name}.`;
  if (/^(float16|fp16|half)$/i.test(String(given)))
    return "float16 is not supported: its range is too small to train in. Write bfloat16.";
  return `Write ${PRECISIONS.slice(0, -1).join(", ")} or ${PRECISIONS.at(-1)}.`;
}

/** The type that a precision means on a device. */
export function computeType(precision: Precision, device: string, cpu: () => ProcessorInfo = processor): ComputeType {
  if (precision !== "auto") return precision;
  return device !== "cpu" || cpu().bfloat16 === "native" ? "bfloat16" : "float32";
}
