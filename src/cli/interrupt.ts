/** @file Ctrl-C and termination as an abort signal: the work saves its state and ends; a second one ends it at once. */

export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.once(name, () => {
      console.error("\nStopping after this step; press again to stop at once.");
      controller.abort();
    });
  }
  return controller.signal;
}
