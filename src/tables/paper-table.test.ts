import { describe, expect, it } from "vitest";
import { makeEvaluation, makeMeasured } from "../evaluation/manifest-fixture.ts";
import { bootstrapSeeds } from "../evaluation/over-seeds.ts";
import { paperTable, tableNotes } from "./paper-table.ts";
import { PUBLISHED, publishedSet } from "./published.ts";

const decoding = (seed: number) => ({ temperature: 0, maxTokens: 100, seed });

describe("paperTable", () => {
  it("has a row for each name", () => {
    const { rows, sets } = paperTable([makeEvaluation([1, 0]), makeEvaluation([1, 1], { name: "cot" })]);
    expect(sets).toEqual([{ name: "vsr", samples: 2 }]);
    expect(rows.map(({ name, cells }) => [name, cells.vsr!.acc!.value!.mean])).toEqual([
      ["grit", 0.5],
      ["cot", 1],
    ]);
  });

  it("joins evaluations that differ in model and seed into one row of their mean", () => {
    const seeds = [
      [1, 0],
      [1, 1],
      [0, 0],
    ].map((accs, i) => makeEvaluation(accs, { decoding: decoding(i), model: { path: "m", sha256: String(i) } }));
    const [row, ...others] = paperTable(seeds).rows;
    expect(others).toEqual([]);
    expect(row!.seeds).toBe(3);
    expect(row!.cells.vsr!.acc!.value).toEqual(
      bootstrapSeeds([
        [1, 0],
        [1, 1],
        [0, 0],
      ]),
    );
  });

  it("pairs the samples of seeds by their ids, and warns of two seeds", () => {
    const seeds = [
      [1, 0, 0.5],
      [1, 0, 0],
    ].map((accs, i) => makeEvaluation(accs, { decoding: decoding(i) }));
    const shuffled = [seeds[0]!, { ...seeds[1]!, samples: seeds[1]!.samples.toReversed() }];
    expect(paperTable(shuffled).rows).toEqual(paperTable(seeds).rows);
    expect(tableNotes(paperTable(seeds)).join("\n")).toMatch(
      /bootstrap over seeds and samples[\s\S]*Two seeds are too few/,
    );
    const third = makeEvaluation([1, 1, 1], { decoding: decoding(2) });
    expect(tableNotes(paperTable([...seeds, third])).join("\n")).not.toContain("too few");
  });

  it("has the further metrics of a set, over several seeds as well, and raw IoU for the published", () => {
    const seeds = [0.2, 0.4].map((giouRaw, seed) =>
      makeMeasured([{ giouRaw }, { giou: null, giouRaw: null, f1: null }], { decoding: decoding(seed) }),
    );
    const [row, ...others] = paperTable(seeds, { published: true }).rows;
    expect(row!.cells.vsr).toMatchObject({
      accBinary: { value: { mean: 1 } },
      giouRaw: { value: bootstrapSeeds([[0.2], [0.4]]) },
    });
    expect(others[4]!.cells.vsr!.giouRaw!.value).toEqual({ mean: 0.325 });
    expect(others[4]!.cells.vsr).not.toHaveProperty("f1");
  });

  it("keeps apart what is not a seed: another prompt, or the same seed twice", () => {
    const prompt = { method: "grit", text: "other", prefix: "", stop: [], answer: "tag" };
    const asked = makeEvaluation([1], { decoding: decoding(2), prompt });
    expect(paperTable([makeEvaluation([1]), asked]).rows).toHaveLength(2);
    const again = { ...makeEvaluation([1]), dir: "runs/again" };
    expect(paperTable([makeEvaluation([1]), again]).rows.map(({ name }) => name)).toEqual([
      "grit (runs/grit)",
      "grit (runs/again)",
    ]);
  });

  it("gives no number for a partial row, nor for seeds of which one is partial", () => {
    const whole = makeEvaluation([1, 1], { decoding: decoding(2) });
    const partial = makeEvaluation([1, null]);
    const table = paperTable([partial, whole]);
    expect(table.rows[0]!.cells.vsr).toMatchObject({
      acc: { value: null, coverage: 0.5 },
      giou: { value: { mean: expect.any(Number) } },
    });
    expect(tableNotes(table).join()).toContain("partial");
  });

  it("says why samples have no score: the commonest reason, on one line, whatever the judge answered", () => {
    const unscored = (reason: string) => ({ acc: null, unscored: reason });
    const judged = makeMeasured([
      unscored("a content filter refuses"),
      unscored("no verdict: perhaps\n\u001b[2J"),
      unscored("no verdict: 7"),
      {},
    ]);
    expect(tableNotes(paperTable([judged]))).toContainEqual(
      "unscored: 3 answers; the commonest reason, of 2: no verdict: perhaps [2J.",
    );
    const long = makeMeasured([unscored("x".repeat(500))]);
    expect(tableNotes(paperTable([long])).at(-1)!.length).toBeLessThan(200);
    expect(tableNotes(paperTable([makeEvaluation([1])])).join()).not.toContain("unscored");
  });

  it("refuses one set name for different samples", () => {
    const other = makeEvaluation([1], { name: "cot", sets: { vsr: { samples: 1, sha256: "other" } } });
    expect(() => paperTable([makeEvaluation([1]), other])).toThrow("different samples in runs/grit and runs/cot");
  });

  it("puts the published numbers beside ours where the paper has the set", () => {
    const { rows } = paperTable([makeEvaluation([1])], { published: true });
    expect(rows).toHaveLength(11);
    expect(rows[5]).toMatchObject({
      name: "Qwen2.5-VL-3B, GRIT (paper)",
      seeds: 0,
      cells: { vsr: { acc: { value: { mean: 0.729 } }, giou: { value: { mean: 0.325 } } } },
    });
    const mine = makeEvaluation([1], { sets: { mine: { samples: 1, sha256: "x" } } });
    expect(() => paperTable([mine], { published: true })).toThrow("no numbers for mine");
  });
});

describe("the published table", () => {
  // Checksums, computed apart from this file.
  it.each([
    ["Qwen2.5-VL-3B", "Direct query", 58.6],
    ["Qwen2.5-VL-3B", "GRIT", 66.5],
    ["InternVL3-2B", "Direct query", 36.2],
    ["InternVL3-2B", "GRIT", 60.5],
  ])("%s, %s averages %d", (model, method, mean) => {
    const row = PUBLISHED.find((row) => row.model === model && row.method === method)!;
    const accs = Object.values(row.sets).flatMap(([acc]) => (acc === null ? [] : [acc]));
    expect(accs).toHaveLength(5);
    expect(accs.reduce((sum, acc) => sum + acc, 0) / 5).toBeCloseTo(mean, 1);
  });

  it("knows its sets by their files' names, and no others", () => {
    expect(["vsr_val", "mathvista_mini", "ovd_position_val"].map(publishedSet)).toEqual(["vsr", "mathvista", "ovd"]);
    expect(["ovd_negation", "pope", "vsr_train_10"].map(publishedSet)).toEqual([undefined, undefined, undefined]);
  });
});
