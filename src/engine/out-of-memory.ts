/** @file Memory that ran short: how libtorch says so. */

/** On a GPU and on the CPU. */
const OUT_OF_MEMORY = /out of memory|can't allocate memory|not enough memory/i;

export function isOutOfMemory(error: unknown): error is Error {
  return error instanceof Error && OUT_OF_MEMORY.test(error.message);
}
