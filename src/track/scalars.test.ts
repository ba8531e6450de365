import { expect, test } from "vitest";
import { scalarsOf } from "./scalars.ts";

test("numbers by their path; no step, no null, no text, no alarm", () => {
  const alarms = [{ name: "kl-runaway", since: 3, figures: { kl: 9 }, message: "", remedy: "" }];
  expect(
    scalarsOf({
      step: 3,
      reward: { mean: 1.5, std: null, terms: { answer: 0.5 } },
      heldOut: { vsr: { acc: 0.25, giou: null } },
      notFinite: ["loss"],
      kl: 0,
      alarms,
    }),
  ).toEqual([
    ["reward/mean", 1.5],
    ["reward/terms/answer", 0.5],
    ["heldOut/vsr/acc", 0.25],
    ["kl", 0],
  ]);
});
