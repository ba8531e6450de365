/** @file Ctrl-C and termination as an abort signal: the work saves its state and ends; a second one ends it at once. */

/** A signal that fires at the first SIGINT or SIGTERM; the second one ends the process as it would without this. */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.once(name, () => {
      console.error("\nStopping: what is finished is saved. Press again to stop at once.");
      controller.abort();
    });
  }
  return controller.signal;
}
