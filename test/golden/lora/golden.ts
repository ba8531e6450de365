/** @file Reads what PEFT computes with the adapter beside this file; see make.py. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { GoldenGradient } from "../golden.ts";

interface Expected {
  /** The checkpoint under `../qwen2_5_vl/checkpoints` that the adapter belongs to, from the repository's root. */
  readonly base: string;
  /** Of the completion of each of the checkpoint's prompts. */
  readonly logprobs: Readonly<Record<string, readonly number[]>>;
  readonly loss: number;
  readonly gradients: Readonly<Record<string, Omit<GoldenGradient, "projection">>>;
  readonly targets: readonly { readonly target_modules: string | readonly string[]; readonly modules: readonly string[] }[];
}

/** The adapter's folder. */
export const adapterDir = fileURLToPath(new URL("adapter", import.meta.url));

export function loadLora(): Expected {
  return JSON.parse(readFileSync(new URL("expected.json", import.meta.url), "utf8")) as Expected;
}
