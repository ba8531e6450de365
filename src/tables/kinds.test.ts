import { expect, it } from "vitest";
import { makeEvaluation, makeMeasured } from "../evaluation/manifest-fixture.ts";
import { bootstrapSeeds } from "../evaluation/over-seeds.ts";
import type { YesNoAnswer } from "../evaluation/yes-no.ts";
import { paperTable } from "./paper-table.ts";

const hit: YesNoAnswer = { truth: "yes", said: "yes" };
const rejection: YesNoAnswer = { truth: "no", said: "no" };
const miss: YesNoAnswer = { truth: "yes", said: "no" };

const cellsOf = (...evaluations: Parameters<typeof paperTable>[0]) =>
  paperTable(evaluations).rows.map(({ cells }) => cells.vsr!);

it("stand in every row of a set that any row was asked them of, and in no other set", () => {
  const grit = makeMeasured([{ yesNo: hit }, { yesNo: miss }, {}]);
  const [cells] = cellsOf(grit);
  expect(cells).not.toHaveProperty("choice");
  const ends = { low: expect.any(Number), high: expect.any(Number) };
  const numbers = [0.5, 1, 0.5, 2 / 3, 1 / 2].map((mean) => ({ value: { mean, ...ends }, coverage: 1 }));
  expect(cells!.yesNo).toMatchObject({ n: 2, numbers });
  const begun = { ...grit, manifest: { ...grit.manifest, name: "cot" }, samples: [] };
  expect(cellsOf(grit, begun)[1]!.yesNo).toEqual({
    n: undefined,
    numbers: Array(5).fill({ value: null, coverage: 0 }),
  });
  expect(cellsOf(makeEvaluation([1, 1]))[0]).not.toHaveProperty("yesNo");
});

it("have no precision without a yes, whatever the other seeds said", () => {
  const seed = (seed: number, yesNo: YesNoAnswer) =>
    makeMeasured([{ yesNo }, { yesNo: rejection }], { decoding: { temperature: 1, maxTokens: 9, seed } });
  expect(cellsOf(seed(1, miss))[0]!.yesNo!.numbers.map((cell) => cell?.value?.mean)).toEqual([0.5, undefined, 0, 0, 0]);
  const [accuracy, precision] = cellsOf(seed(1, miss), seed(2, hit))[0]!.yesNo!.numbers;
  expect(accuracy!.value).toEqual(
    bootstrapSeeds([
      [0, 1],
      [1, 1],
    ]),
  );
  expect(precision).toBeUndefined();
});

it("give letter accuracy with its interval, and published rows nothing", () => {
  const { rows } = paperTable([makeMeasured([{ choice: 1 }, { choice: 0 }])], { published: true });
  expect(rows[0]!.cells.vsr!.choice).toMatchObject({ n: 2, numbers: [{ value: { mean: 0.5, low: 0, high: 1 } }] });
  expect(rows[1]!.cells.vsr).not.toHaveProperty("choice");
});
