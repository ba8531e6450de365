import { describe, expect, it } from "vitest";
import { compareEvaluations, pairById } from "./compare-evaluations.ts";
import { makeEvaluation, makeManifest } from "./manifest-fixture.ts";

describe("compareEvaluations", () => {
  it("says what was done differently; where a model lies is no difference", () => {
    const before = makeEvaluation([0, 1]);
    const after = makeEvaluation([1, 1], {
      model: { path: "elsewhere", sha256: "aa" },
      decoding: { temperature: 1, maxTokens: 100, seed: 1 },
    });
    expect(compareEvaluations(before, after).differences).toEqual([
      { key: "decoding.temperature", from: "0", to: "1" },
    ]);
    expect(compareEvaluations(before, makeEvaluation([1, 1])).differences).toEqual([]);
  });

  it("pairs samples by id, not by place", () => {
    const before = makeEvaluation([0, 0.5, 1]);
    const after = makeEvaluation([0.1, 0.6, 1.1]);
    const shuffled = { ...after, samples: after.samples.toReversed() };
    const { acc } = compareEvaluations(before, shuffled).sets[0]!;
    expect(acc.gain).toMatchObject({ n: 3, gain: expect.closeTo(0.1, 12), low: expect.closeTo(0.1, 12) });
  });

  it("gives no gain while a sample is missing on either side", () => {
    const whole = makeEvaluation([1, 1, 0, 0]);
    const partial = makeEvaluation([1, null, 0, 0]);
    const { acc, giou } = compareEvaluations(whole, partial).sets[0]!;
    expect(acc).toEqual({ gain: null, coverage: 0.75 });
    expect(giou).toMatchObject({ coverage: 1, gain: { n: 4 } });
    expect(compareEvaluations(partial, whole).sets[0]!.acc.gain).toBeNull();
  });

  it("leaves out sets whose data differ, and refuses when none is left", () => {
    const here = { vsr: { samples: 1, sha256: "da7a" }, gqa: { samples: 1, sha256: "x" } };
    const there = { vsr: { samples: 1, sha256: "da7a" }, gqa: { samples: 1, sha256: "y" } };
    const { sets, apart } = compareEvaluations(
      makeEvaluation([1], { sets: here }),
      makeEvaluation([1], { sets: there }),
    );
    expect([sets.map(({ name }) => name), apart]).toEqual([["vsr"], ["gqa"]]);
    const other = makeEvaluation([1], { sets: { gqa: there.gqa } });
    expect(() => compareEvaluations(makeEvaluation([1]), other)).toThrow("no set in common");
  });
});

it("pairById keeps what both have", () => {
  const of = (...ids: string[]) => ids.map((id) => ({ id, manifest: makeManifest() }));
  expect(pairById(of("a", "b", "c"), of("c", "a")).map(([{ id }]) => id)).toEqual(["a", "c"]);
});
