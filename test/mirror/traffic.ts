/** @file What went through the mirror device in this process. */
import { createRequire } from "node:module";
import { MIRROR } from "./build.mjs";

const require = createRequire(import.meta.url);

/**
 * Names of the operators that ran, copies from the host, and times that the host waited for a value, since the process began.
 * Undefined while the addon is not loaded.
 */
export function traffic(): { operators: string[]; uploads: number; reads: number } | undefined {
  const mirror = require.cache[MIRROR]?.exports as { traffic(): [string[], number, number] } | undefined;
  if (!mirror) return undefined;
  const [operators, uploads, reads] = mirror.traffic();
  return { operators, uploads, reads };
}
