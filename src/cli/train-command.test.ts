import { expect, it } from "vitest";
import { memoryNote } from "./train-command.ts";

const uses = {
  weights: 20_900_000,
  reference: 0,
  gradients: 4_000_000,
  moments: 8e6,
  features: 0,
  training: 8.2e7,
  vision: 0,
  sampling: 1.2e9,
};

it("says what a step takes in units that tell something of small models too, and nothing of what takes nothing", () => {
  expect(memoryNote({ ...uses, peak: 1.3e9, available: 25.3e9 })).toBe(
    "A step will take about 1.30 GB of 25.3 GB memory: weights 20.9 MB, gradients 4.00 MB, moments 8.00 MB, training 82.0 MB, sampling 1.20 GB.",
  );
});

it("says what to do where there is too little", () => {
  expect(memoryNote({ ...uses, peak: 30e9, available: 25e9 })).toMatch(
    /more than the machine has\. To need less: lower micro_batch/,
  );
});
