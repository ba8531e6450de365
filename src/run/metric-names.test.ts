import { expect, test } from "vitest";
import { numbersIn } from "./metric-names.ts";

test("numbers by the keys that lead to them; lists and words are none", () => {
  const line = {
    step: 3,
    reward: { mean: 1.5, std: null, terms: { answer: 1 } },
    kl: 0,
    alarms: [{ name: "x", since: 1, figures: {}, message: "m", remedy: "r" }],
    note: "n",
  };
  expect(numbersIn(line)).toEqual({ "reward.mean": 1.5, "reward.std": null, "reward.terms.answer": 1, kl: 0 });
});
