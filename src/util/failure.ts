/** @file An error that crosses to another thread or process, and keeps its class. */
import { Interrupted, OutOfMemory, UserError } from "./errors.ts";

/** The errors whose class matters to who catches them. */
const CLASSES = { UserError, Interrupted, OutOfMemory, Error };

/** An error as it crosses: copying it would lose its class. */
export interface Failure {
  readonly kind: keyof typeof CLASSES;
  readonly message: string;
  readonly stack: string | undefined;
  /** Of a system error, e.g. `ENOSPC`. */
  readonly code: unknown;
  /** Of a `UserError`. */
  readonly key: string | undefined;
}

export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error))
    return { kind: "Error", message: String(error), stack: undefined, code: undefined, key: undefined };
  const { name, message, stack } = error;
  const kind = Object.hasOwn(CLASSES, name) ? (name as Failure["kind"]) : "Error";
  const key = error instanceof UserError ? error.key : undefined;
  return { kind, message, stack, code: "code" in error ? error.code : undefined, key };
}

/** The error on this side. */
export function errorOf({ kind, message, stack, code, key }: Failure): Error {
  const error = new CLASSES[kind](message);
  if (stack !== undefined) error.stack = stack;
  if (error instanceof UserError) error.key = key;
  return code === undefined ? error : Object.assign(error, { code });
}
