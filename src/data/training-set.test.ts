import { describe, expect, it } from "vitest";
import { makeSample } from "../rewards/fixtures.ts";
import { drawn, loadTrainingSet } from "./training-set.ts";

const samples = ["vsr", "tallyqa", "gqa"].flatMap((dataset, i) =>
  Array.from({ length: [50, 50, 10][i]! }, (_, k) => makeSample({ id: `${dataset}-${k}`, dataset })),
);
const counts = (of: readonly { dataset: string }[]) =>
  ["vsr", "tallyqa", "gqa"].map((name) => of.filter(({ dataset }) => dataset === name).length);

describe("samples drawn for training", () => {
  it.each([
    [11, [5, 5, 1]],
    [22, [10, 10, 2]],
    [3, [2, 1, 0]],
    [110, [50, 50, 10]],
  ])("are %d, of each data set in its proportion", (limit, expected) => {
    expect(counts(drawn(samples, limit))).toEqual(expected);
  });

  it("need a limit for their seed", async () => {
    await expect(loadTrainingSet({ train: ["none.jsonl"], seed: 2 })).rejects.toThrow(
      "data.seed is given without data.limit",
    );
  });

  it("depend on the seed alone, in the order of the files, the few among the many", () => {
    expect(drawn(samples, 22)).toEqual(drawn(samples, 22, 1));
    expect(drawn(samples, 22, 2)).not.toEqual(drawn(samples, 22));
    expect(drawn(samples, 110, 7)).toEqual(samples);
    expect(drawn(samples, 44)).toEqual(expect.arrayContaining(drawn(samples, 11)));
    const places = drawn(samples, 22).map((sample) => samples.indexOf(sample));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  });
});
