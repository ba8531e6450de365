import { expect, test } from "vitest";
import { learningRate } from "./schedule.ts";

const rates = (options: { schedule: "cosine" | "constant"; warmupSteps: number; steps: number }) =>
  Array.from({ length: options.steps }, (_, step) => learningRate({ lr: 2, ...options }, step));

test("a cosine falls from the full rate, through half of it, towards 0", () => {
  expect(rates({ schedule: "cosine", warmupSteps: 0, steps: 4 })).toEqual([
    2,
    expect.closeTo(1 + Math.SQRT1_2),
    expect.closeTo(1),
    expect.closeTo(1 - Math.SQRT1_2),
  ]);
  expect(learningRate({ lr: 2, schedule: "cosine", warmupSteps: 0, steps: 4 }, 4)).toBeCloseTo(0);
  expect(learningRate({ lr: 2, schedule: "cosine", warmupSteps: 0, steps: 4 }, 9)).toBeCloseTo(0);
});

test("the warm-up rises in equal steps to the full rate, and the cosine takes what is left", () => {
  expect(rates({ schedule: "cosine", warmupSteps: 4, steps: 6 })).toEqual([0.5, 1, 1.5, 2, 2, expect.closeTo(1)]);
  expect(rates({ schedule: "constant", warmupSteps: 2, steps: 4 })).toEqual([1, 2, 2, 2]);
});

test("a warm-up as long as the run, or longer, never divides by zero", () => {
  expect(rates({ schedule: "cosine", warmupSteps: 3, steps: 3 })).toEqual([2 / 3, 4 / 3, 2]);
  expect(rates({ schedule: "cosine", warmupSteps: 5, steps: 2 })).toEqual([0.4, 0.8]);
});
