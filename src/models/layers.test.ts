import { describe, expect, it } from "vitest";
import { floats, mul, narrow, sum } from "../torch/ops.ts";
import { keep, type Tensor, tidy } from "../torch/tensor.ts";
import { linear } from "./layers.ts";
import { Weights } from "./weights.ts";

const table = (rows: number, columns: number, factor: number) =>
  keep(
    floats(
      Array.from({ length: rows * columns }, (_, i) => Math.sin(factor * (i + 1))),
      [rows, columns],
    ),
  );

describe("a layer padded with zeros", () => {
  it("gives the same outputs and gradients, and zeros beside them", () => {
    const [W, b, V] = [table(5, 3, 1), keep(floats([0.1, 0.2, 0.3, 0.4, 0.5], [5])), table(2, 5, 2)];
    const x = table(4, 3, 3);
    const weights = new Weights(
      new Map([
        ["up.weight", W],
        ["up.bias", b],
        ["down.weight", V],
      ]),
    );
    const run = (missing: number) =>
      tidy(() => {
        for (const leaf of [W, b, V, x]) leaf.requiresGrad().clearGrad();
        const between = linear(weights, "up", x, { out: missing });
        const y = linear(weights, "down", mul(between, between), { in: missing });
        sum(mul(y, y)).backward();
        const read = (tensor: Tensor) => Array.from(tensor.toFloats(), (value) => Number(value.toFixed(5)));
        const beyond = missing > 0 ? read(narrow(between, 1, 5, missing)) : [];
        return { y: read(y), gradients: [W, b, V, x].map((leaf) => read(leaf.grad()!)), beyond };
      });
    const { beyond, ...padded } = run(3);
    expect(padded).toEqual((({ beyond: _, ...rest }) => rest)(run(0)));
    expect(beyond).toEqual(new Array(12).fill(0));
    for (const tensor of [W, b, V, x]) tensor.dispose();
  });
});
