import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { advantages, DELTA, effectiveGroups } from "./advantage.ts";

const close = (values: readonly number[]) => values.map((value) => expect.closeTo(value, 12));

describe("advantages", () => {
  it("group: distance from the group's mean in its own deviations, n − 1 in the denominator", () => {
    // Mean 2, squares 1 + 1 + 4 + 4 over 3.
    const std = Math.sqrt(10 / 3);
    expect(advantages([[1, 3, 0, 4]], "group")).toEqual([close([-1, 1, -2, 2].map((d) => d / (std + DELTA)))]);
  });

  it("batch: the group's own mean, the deviation of all", () => {
    // 1 3 0 6 around 2.5: squares 21 over 3.
    const std = Math.sqrt(21 / 3);
    expect(
      advantages(
        [
          [1, 3],
          [0, 6],
        ],
        "batch",
      ),
    ).toEqual([close([-1 / (std + DELTA), 1 / (std + DELTA)]), close([-3 / (std + DELTA), 3 / (std + DELTA)])]);
  });

  it("centered: nothing but the mean taken away", () => {
    expect(advantages([[1, 3, 5]], "centered")).toEqual([[-2, 0, 2]]);
  });

  it.each(["group", "batch", "centered"] as const)("%s: an unscored member is 0 and does not count", (kind) => {
    const scored = advantages([[1, 4]], kind)[0]!;
    const withGap = advantages([[1, { unscored: "the judge timed out" }, 4]], kind)[0]!;
    expect(withGap).toEqual([scored[0], 0, scored[1]]);
  });

  it.each(["group", "batch", "centered"] as const)("%s: nothing to compare with teaches nothing", (kind) => {
    const groups = [[2], [], [3, 3, 3], [{ unscored: "a" }, 5], [{ unscored: "a" }, { unscored: "b" }]];
    expect(advantages(groups, kind)).toEqual([[0], [], [0, 0, 0], [0, 0], [0, 0]]);
  });

  it("equal scores that no binary number holds leave a rounding error, not a signal", () => {
    const A = advantages([[0.1, 0.1, 0.1]], "group");
    expect(Math.max(...A[0]!.map(Math.abs))).toBeLessThan(1e-9);
    expect(effectiveGroups(A)).toBe(0);
  });

  it("property: sums to 0 in every group, keeps the order, and does not see a shift of all scores", () => {
    const groups = fc.array(fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 2, maxLength: 6 }), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(
        groups,
        fc.constantFrom("group", "batch", "centered"),
        fc.integer({ min: -9, max: 9 }),
        (scores, kind, shift) => {
          const A = advantages(scores, kind);
          const shifted = advantages(
            scores.map((group) => group.map((score) => score + shift)),
            kind,
          );
          for (const [g, group] of A.entries()) {
            expect(group.reduce((a, b) => a + b, 0)).toBeCloseTo(0, 6);
            for (const [i, a] of group.entries()) {
              expect(a).toBeCloseTo(shifted[g]![i]!, 6);
              for (const [j, b] of group.entries()) if (scores[g]![i]! > scores[g]![j]!) expect(a).toBeGreaterThan(b);
            }
          }
        },
      ),
    );
  });
});

it("effectiveGroups is the share of groups that teach anything", () => {
  expect(effectiveGroups([[0, 0], [1, -1], [], [0.5, 0, -0.5]])).toBe(0.5);
  expect(effectiveGroups([])).toBe(0);
});
