/** @file Notices promises that can never settle: Node would end without a word once nothing else is left to do. */

/** Nothing is left in the process that could settle what is waited for. */
export class Stranded extends Error {
  override name = "Stranded";
}

const waiting = new Set<() => void>();
const strandAll = () => {
  for (const strand of waiting) strand();
};

/** As the promise. @throws Stranded when nothing is left that could settle it */
export async function unlessStranded<T>(promise: Promise<T>): Promise<T> {
  let strand = () => {};
  const stranded = new Promise<never>((_, reject) => {
    strand = () => reject(new Stranded());
  });
  if (waiting.size === 0) process.on("beforeExit", strandAll);
  waiting.add(strand);
  try {
    return await Promise.race([promise, stranded]);
  } finally {
    waiting.delete(strand);
    if (waiting.size === 0) process.off("beforeExit", strandAll);
  }
}
