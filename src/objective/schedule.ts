/** @file Learning rates over a run. */

export interface Schedule {
  readonly lr: number;
  readonly schedule: "cosine" | "constant";
  readonly warmupSteps: number;
  readonly steps: number;
}

/** The rate of update `step`, counted from 0: a linear rise over the warm-up, then level or half a cosine down to 0. */
export function learningRate({ lr, schedule, warmupSteps, steps }: Schedule, step: number): number {
  if (step < warmupSteps) return (lr * (step + 1)) / warmupSteps;
  if (schedule === "constant") return lr;
  const progress = (step - warmupSteps) / Math.max(1, steps - warmupSteps);
  return lr * 0.5 * (1 + Math.cos(Math.PI * Math.min(1, progress)));
}
