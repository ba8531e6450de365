import { describe, expect, it } from "vitest";
import { add, cast, floats, linear, matmul, mul, pack, reshape, sum, transpose } from "./ops.ts";
import { type DType, keep, noGrad, type Tensor, tidy } from "./tensor.ts";

const table = (factor: number, ...shape: number[]) =>
  keep(
    floats(
      Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(factor * (i + 1))),
      shape,
    ),
  );

/** Output and gradients of Σ y², by `product` in a type. */
function run(product: typeof linear, leaves: readonly Tensor[], dtype: DType) {
  return tidy(() => {
    for (const leaf of leaves) leaf.requiresGrad().clearGrad();
    const [x, W, b] = leaves.map((leaf) => cast(leaf, dtype)) as [Tensor, Tensor, Tensor?];
    const y = product(x, W, b);
    sum(mul(y, y)).backward();
    return [y, ...leaves.map((leaf) => leaf.grad()!)].map((tensor) => cast(tensor, "float32").toFloats());
  });
}

const byHand: typeof linear = (x, W, b) => {
  const y = matmul(x, transpose(W, 0, 1));
  return b ? add(y, b) : y;
};

describe("a linear layer in float32", () => {
  it.each([
    ["one row", [1, 7], [5, 7], true],
    ["many rows", [33, 64], [96, 64], true],
    ["without a bias", [8, 40], [24, 40], false],
    ["three dimensions", [3, 5, 16], [8, 16], true],
  ] as const)("is x Wᵀ + b with its gradients: %s", (_, x, W, hasBias) => {
    const leaves = [table(1, ...x), table(2, ...W), ...(hasBias ? [table(3, W[0])] : [])];
    const wanted = run(byHand, leaves, "float64");
    for (const [i, values] of run(linear, leaves, "float32").entries()) {
      const size = Math.max(...wanted[i]!.map(Math.abs));
      const gap = Math.max(...values.map((value, j) => Math.abs(value - wanted[i]![j]!)));
      expect(values.length).toBe(wanted[i]!.length);
      expect(gap / size).toBeLessThan(2e-6);
    }
    for (const leaf of leaves) leaf.dispose();
  });

  it("computes gradients of what asks for them alone", () => {
    const [x, W] = [table(1, 4, 6), table(2, 3, 6)];
    W.requiresGrad();
    tidy(() => sum(linear(x, W)).backward());
    expect(x.grad()).toBeUndefined();
    tidy(() => expect(W.grad()!.shape).toEqual([3, 6]));
    for (const leaf of [x, W]) leaf.dispose();
  });

  it.each([
    ["float32", 1e-6],
    ["bfloat16", 1e-2],
  ] as const)("takes weights that are laid out for it, with as many rows as there are: %s", (dtype, bound) => {
    noGrad(() =>
      tidy(() => {
        const [W, b] = [cast(table(2, 24, 40), dtype), cast(table(3, 24), dtype)];
        const packed = pack(W);
        expect(packed.shape).toEqual([24, 40]);
        for (const rows of [0, 1, 2, 33]) {
          const x = cast(rows === 0 ? floats([], [0, 40]) : table(1, rows, 40), dtype);
          const [got, wanted] = [packed, W].map((each) => cast(linear(x, each, b), "float32").toFloats());
          expect(got!.length).toBe(rows * 24);
          const size = Math.max(1, ...wanted!.map(Math.abs));
          for (const [i, value] of got!.entries()) expect(Math.abs(value - wanted![i]!)).toBeLessThan(bound * size);
        }
      }),
    );
  });

  it("takes views and no rows", () => {
    tidy(() =>
      noGrad(() => {
        const [x, W] = [table(1, 6, 4), table(2, 4, 3)];
        const got = linear(transpose(x, 0, 1), reshape(transpose(W, 0, 1), [2, 6])).toFloats();
        const wanted = byHand(transpose(x, 0, 1), reshape(transpose(W, 0, 1), [2, 6])).toFloats();
        for (const [i, value] of got.entries()) expect(value).toBeCloseTo(wanted[i]!, 5);
        expect(linear(floats([], [0, 3]), W).shape).toEqual([0, 4]);
        for (const leaf of [x, W]) leaf.dispose();
      }),
    );
  });
});
