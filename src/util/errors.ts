/**
 * @file The two kinds of failure. A `UserError` is one that the user can fix: its message says what is wrong, where, and
 * what to do next; the command line prints it without a stack and exits 2. Any other error is a bug and exits 1 with a stack.
 */

/** Bad input: a file, a line, a key or an option. `message` names it; `remedy` says what to do about it. */
export class UserError extends Error {
  override name = "UserError";
  /** The key whose value is at fault, e.g. `lora.target_modules`: src/config/key-places.ts tells where a recipe has it. */
  key: string | undefined;

  constructor(message: string, remedy?: string, key?: string) {
    super(remedy ? `${message}\n  ${remedy}` : message);
    this.key = key;
  }
}

/** The memory did not suffice for a piece of work, which is lost; what was held before is whole. */
export class OutOfMemory extends UserError {
  override name = "OutOfMemory";
}

/** The thread that computes has ended, and all its engines with it: a new one must be opened. */
export class EngineDeath extends UserError {}

/**
 * The work was stopped before its end and can be resumed: a signal came, a service it needs is down, or its budget is spent.
 * The command line exits 130.
 */
export class Interrupted extends Error {
  override name = "Interrupted";
}

/** An error that another process of the same command tells the user; this one ends with its exit code and says nothing. */
export class ToldElsewhere extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super("Another process tells why.");
    this.exitCode = exitCode;
  }
}

/** How a command ends by an error: 2 for what the user can fix, 130 interrupted, 1 a bug. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof Interrupted) return 130;
  return error instanceof UserError ? 2 : 1;
}

/** Did the operating system refuse something: a file, a folder, an address? */
export function isSystemError(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && "code" in error && typeof error.code === "string" && /^E[A-Z0-9]+$/.test(error.code);
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The name in `known` closest to `name` by edit distance, if any is close enough to be what was meant. */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(name.length / 2));
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/**
 * How many letters to insert, remove, replace or swap with their neighbour to turn `a` into `b` (optimal string alignment).
 * Two letters that changed places count as one typing error.
 */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitute = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swap = swapped ? before[j - 2]! + 1 : Number.POSITIVE_INFINITY;
      next.push(Math.min(substitute, swap, row[j]! + 1, next[j - 1]! + 1));
    }
    [before, row] = [row, next];
  }
  return row[b.length]!;
}
