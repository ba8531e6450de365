import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadGolden } from "../../test/golden/golden.ts";
import { promptOf } from "../../test/tiny.ts";
import { readModel } from "../models/architectures.ts";
import { byBudget } from "../util/arrays.ts";
import { bundleTokens, pack } from "./packing.ts";

const golden = loadGolden("tied");
const model = readModel(golden.dir);
const prompts = golden.prompts.map(promptOf);
const [text, , wide] = prompts as [(typeof prompts)[0], (typeof prompts)[0], (typeof prompts)[0]];

describe("pack", () => {
  const bundles = [
    {
      prompt: wide,
      branches: [
        { context: [], ids: [7, 8] },
        { context: [1, 2, 3], ids: [9] },
      ],
    },
    { prompt: text, branches: [{ context: [4], ids: [] }] },
    { prompt: text, branches: [] },
  ];
  const { pack: packed, spans } = pack(model, bundles);
  const P = wide.ids.length;
  const Q = text.ids.length;

  it("lays prompts and branches end to end, images in the order of their placeholders", () => {
    expect(packed.ids).toEqual([...wide.ids, 7, 8, 1, 2, 3, 9, ...text.ids, 4, ...text.ids]);
    expect(packed.trees).toEqual([
      { root: P, branches: [2, 4] },
      { root: Q, branches: [1] },
      { root: Q, branches: [] },
    ]);
    expect(packed.images).toEqual(wide.images);
    expect(bundles.map(bundleTokens)).toEqual([P + 6, Q + 1, Q]);
  });

  it("predicts a branch's first token from the prompt's last, or from its context's last", () => {
    expect(spans).toEqual([
      [
        { rows: [P - 1, P], ids: [7, 8] },
        { rows: [P + 4], ids: [9] },
      ],
      [{ rows: [], ids: [] }],
      [],
    ]);
  });

  it("every branch goes on at the position its prompt ends at, on all axes", () => {
    const { rows, next } = model.positions(wide.ids, wide.images);
    for (const [axis, positions] of packed.positions.entries()) {
      expect(positions).toHaveLength(packed.ids.length);
      expect(positions.slice(0, P)).toEqual(rows[axis]);
      expect(positions.slice(P, P + 6)).toEqual([next, next + 1, next, next + 1, next + 2, next + 3]);
      expect(positions.slice(P + 6, P + 6 + Q)).toEqual([...text.ids.keys()]);
    }
  });
});

describe("byBudget", () => {
  it("keeps the order, fills each group before the next, and lets a large item stand alone", () => {
    expect(byBudget([3, 4, 3, 1, 20, 2], (size) => size, 10)).toEqual([[3, 4, 3], [1], [20], [2]]);
    expect(byBudget([], () => 1, 10)).toEqual([]);
  });

  it("property: nothing is lost, no group of several is over the budget, and no group could take the next item", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20)), fc.integer({ min: 1, max: 30 }), (sizes, budget) => {
        const groups = byBudget(sizes, (size) => size, budget);
        const total = (group: readonly number[]) => group.reduce((a, b) => a + b, 0);
        expect(groups.flat()).toEqual(sizes);
        for (const [i, group] of groups.entries()) {
          if (group.length > 1) expect(total(group)).toBeLessThanOrEqual(budget);
          const next = groups[i + 1]?.[0];
          if (next !== undefined) expect(total(group) + next).toBeGreaterThan(budget);
        }
      }),
    );
  });
});
