/** @file A ledger of what is asked of a device: operator calls, uploads and reads. Tests pin its counts; else none is open. */

let open: DeviceLedger | undefined;

/**
 * Counts from its making until it is disposed (`using ledger = new DeviceLedger()`). The CPU counts what a GPU would: an upload or a
 * read is counted where the values would cross, and but for `upload_` and `PendingRead` makes the host wait.
 */
export class DeviceLedger {
  /** Calls by operator, named as in ops.ts, and of `backward`; not what libtorch calls by itself. */
  readonly operators = new Map<string, number>();
  /** Copies from the host to the device: calls of `toDevice`. */
  uploads = 0;
  /** Copies from the device to the host: values and elements read, and operators that answer with a plain value. */
  reads = 0;

  /** @throws while another ledger is open */
  constructor() {
    if (open) throw new Error("Another ledger is open: dispose of it first.");
    open = this;
  }

  /** All operator calls. */
  get calls(): number {
    return [...this.operators.values()].reduce((a, b) => a + b, 0);
  }

  [Symbol.dispose](): void {
    if (open === this) open = undefined;
  }
}

/** Enters one call of an operator into the open ledger, if there is one. */
export function countCall(operator: string): void {
  open?.operators.set(operator, (open.operators.get(operator) ?? 0) + 1);
}

/** Enters one copy from the host to the device. */
export function countUpload(): void {
  if (open) open.uploads++;
}

/** Enters one copy from the device to the host. */
export function countRead(): void {
  if (open) open.reads++;
}
