import { describe, expect, it } from "vitest";
import { add, cast, div, floats, mul, rmsNorm, sqrt, sum, sumDim, transpose } from "./ops.ts";
import { type DType, keep, noGrad, type Tensor, tidy } from "./tensor.ts";

const EPS = 1e-6;
const table = (factor: number, ...shape: number[]) =>
  keep(
    floats(
      Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(factor * (i + 1))),
      shape,
    ),
  );
const byHand: typeof rmsNorm = (x, weight, eps) => {
  const squares = div(sumDim(mul(x, x), [-1], true), x.size(-1));
  return mul(div(x, sqrt(add(squares, eps))), weight);
};

/** Output and gradients of Σ y³, in a type. */
function run(norm: typeof rmsNorm, leaves: readonly [Tensor, Tensor], dtype: DType): Float32Array[] {
  return tidy(() => {
    for (const leaf of leaves) leaf.requiresGrad().clearGrad();
    const [x, weight] = leaves.map((leaf) => cast(leaf, dtype)) as [Tensor, Tensor];
    const y = norm(x, weight, EPS);
    sum(mul(y, mul(y, y))).backward();
    return [y, ...leaves.map((leaf) => leaf.grad()!)].map((tensor) => cast(tensor, "float32").toFloats());
  });
}

describe("RMS normalisation in float32", () => {
  it.each([
    ["two values", [1, 2]],
    ["one short row", [1, 7]],
    ["rows that fill no register", [5, 19]],
    ["three dimensions", [3, 5, 32]],
    ["several blocks of rows", [300, 48]],
    ["wide rows", [2, 2000]],
  ] as const)("is x / √(mean(x²) + eps) · weight with its gradients: %s", (_, shape) => {
    const leaves = [table(1, ...shape), table(2, shape.at(-1)!)] as const;
    const wanted = run(byHand, leaves, "float64");
    for (const [i, values] of run(rmsNorm, leaves, "float32").entries()) {
      expect(values.length).toBe(wanted[i]!.length);
      const size = Math.max(...wanted[i]!.map(Math.abs));
      const gap = Math.max(...values.map((value, j) => Math.abs(value - wanted[i]![j]!)));
      expect(gap).toBeLessThan(5e-6 * size);
    }
    for (const leaf of leaves) leaf.dispose();
  });

  it("computes gradients of what asks for them alone", () => {
    const [x, weight] = [table(1, 4, 6), table(2, 6)];
    weight.requiresGrad();
    tidy(() => sum(rmsNorm(x, weight, EPS)).backward());
    expect(x.grad()).toBeUndefined();
    tidy(() => expect(weight.grad()!.shape).toEqual([6]));
    weight.requiresGrad(false);
    x.requiresGrad();
    weight.clearGrad();
    tidy(() => sum(rmsNorm(x, weight, EPS)).backward());
    expect(weight.grad()).toBeUndefined();
    tidy(() => expect(x.grad()!.shape).toEqual([4, 6]));
    for (const leaf of [x, weight]) leaf.dispose();
  });

  it("takes views, zeros and no rows", () => {
    tidy(() =>
      noGrad(() => {
        const [x, weight] = [table(1, 6, 4), table(2, 6)];
        const got = rmsNorm(transpose(x, 0, 1), weight, EPS).toFloats();
        const wanted = byHand(transpose(x, 0, 1), weight, EPS).toFloats();
        for (const [i, value] of got.entries()) expect(value).toBeCloseTo(wanted[i]!, 5);
        expect(
          rmsNorm(floats([0, 0, 0, 0, 0, 0], [1, 6]), weight, EPS)
            .toFloats()
            .every((value) => value === 0),
        ).toBe(true);
        expect(rmsNorm(floats([], [0, 6]), weight, EPS).shape).toEqual([0, 6]);
        for (const leaf of [x, weight]) leaf.dispose();
      }),
    );
  });
});
