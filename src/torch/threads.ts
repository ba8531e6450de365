/** @file How libtorch's threads wait for each other. Set before the library is loaded, since it reads these once. */
import { availableParallelism } from "node:os";
import { UserError } from "../util/errors.ts";

/**
 * How often a thread asks for work before it sleeps. By default it asks for milliseconds: best on an idle machine, but beside
 * other work it burns the time that the thread it waits for would need. A step of 32 x 128 tokens on two cores took, in
 * seconds: in bfloat16, idle, default 1.7 to 1.9, 3000 times 1.8, 1000 times 1.9 to 2.2; in float32, idle, 2.9 each, and beside
 * two busy loops default 10 to 12, 3000 times 6.7 to 7.5, 1000 times 5.7 to 10.7, 100 times 5.2 to 7.2 (but 3.3 idle)
 * (GOMP_SPINCOUNT=N npx tsx bench/step.ts models/grit-tiny-base --completions 32 --tokens 128 --precision float32).
 */
const SPINS = "3000";

/**
 * Sets `SPINS` in the environment of this process, unless the user has decided how threads wait.
 * @throws UserError when OMP_NUM_THREADS is no number of threads
 */
export function prepareThreads(env: Record<string, string | undefined> = process.env): void {
  const { OMP_NUM_THREADS: count } = env;
  if (count !== undefined && !/^\s*[1-9]\d*\s*(,|$)/.test(count)) {
    throw new UserError(
      `OMP_NUM_THREADS is "${count}", which is not a number of threads.`,
      `Set it to a whole number of at least 1, or unset it: then all ${availableParallelism()} cores are used.`,
    );
  }
  if (env.OMP_WAIT_POLICY === undefined) env.GOMP_SPINCOUNT ??= SPINS;
}

/** How many threads compute, for a reader. libtorch starts at most one a core, whatever OMP_NUM_THREADS asks for. */
export function threadNote(threads: number, env: Readonly<Record<string, string | undefined>> = process.env): string {
  const count = `${threads} thread${threads === 1 ? "" : "s"}`;
  const asked = Number.parseInt(env.OMP_NUM_THREADS ?? "", 10);
  return asked > threads ? `${count} (OMP_NUM_THREADS asks for ${asked}, but there is one core a thread)` : count;
}
