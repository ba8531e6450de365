/** @file The operators that have a pass of their own, beside the same by libtorch's operators: values and gradients must agree. */
import {
  add,
  cast,
  cat,
  Generator,
  gated,
  mul,
  narrow,
  neg,
  normal_,
  reshape,
  roll,
  rotate,
  silu,
  toDevice,
  zeros,
} from "../src/torch/ops.ts";
import { type DType, noGrad, type Tensor, tidy } from "../src/torch/tensor.ts";

export interface FusedCase {
  readonly name: string;
  /** How far they may be apart, of the largest value: 0, unless an exponential is computed otherwise. */
  readonly within: number;
  /** Values without a graph; with one, and the gradients of the inputs. Of the operator, and of those that it stands for. */
  readonly own: readonly Float32Array[];
  readonly others: readonly Float32Array[];
}

/** Cases in a type; a vision tower's angles are in float32. */
export function fusedCases(device: string, dtype: DType): FusedCase[] {
  return tidy(() => {
    using generator = new Generator(1);
    const draw = (...shape: number[]) => toDevice(normal_(zeros(shape), 0, 2, generator), device);
    const angles = (tokens: number, width: number, type: DType) => {
      const half = () => cast(draw(tokens, 1, width / 2), type);
      const [c, s] = [half(), half()];
      return [cat([c, c], 2), cat([neg(s), s], 2)] as const;
    };
    const turn = (name: string, x: Tensor, width: number, type: DType) => {
      const [cos, sin] = angles(x.size(0), width, type);
      const byOperators = (x: Tensor) => {
        const wide = cast(x, type);
        return cast(add(mul(wide, cos), mul(roll(wide, [width / 2], [2]), sin)), dtype);
      };
      return run(
        name,
        [x],
        (x) => rotate(x!, cos, sin),
        (x) => byOperators(x!),
      );
    };
    const heads = cast(draw(70, 6, 16), dtype);
    const joined = cast(draw(70, 5 * 16), dtype);
    const [gate, up] = [cast(draw(33, 40), dtype), cast(draw(33, 40), dtype)];
    const pair = cast(draw(33, 80), dtype);
    const within = device === "cpu" && dtype === "float32" ? 3e-7 : 0;
    const byOperators = (gate: Tensor | undefined, up: Tensor | undefined) => mul(silu(gate!), up!);
    return [
      turn("rotate", heads, 16, dtype),
      turn("rotate, angles in float32", heads, 16, "float32"),
      turn("rotate, some columns", reshape(narrow(joined, 1, 0, 48), [70, 3, 16]), 16, dtype),
      run("gated", [gate, up], (gate, up) => gated(gate!, up!), byOperators, within),
      run(
        "gated, halves of a product",
        [narrow(pair, 1, 0, 40), narrow(pair, 1, 40, 40)],
        (gate, up) => gated(gate!, up!),
        byOperators,
        within,
      ),
    ];
  });
}

/** The first value that is too far from its counterpart, as `NAME: X for Y`. */
export function differenceIn({ own, others, within }: FusedCase): string | undefined {
  for (const [i, values] of own.entries()) {
    const wanted = others[i]!;
    const bound = within * wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const far = values.findIndex((value, j) => !(Math.abs(value - wanted[j]!) <= bound));
    if (far >= 0) return `${values[far]} for ${wanted[far]}`;
  }
  return undefined;
}

type Work = (...inputs: Tensor[]) => Tensor;

function run(name: string, inputs: readonly Tensor[], own: Work, others: Work, within = 0): FusedCase {
  const all = (work: Work) =>
    tidy(() => {
      const values = noGrad(() => work(...inputs));
      for (const leaf of inputs) leaf.requiresGrad().clearGrad();
      const result = work(...inputs);
      // A gradient that no element has twice.
      result.backward(cast(mul(result, result), result.dtype));
      const read = [values, result, ...inputs.map((leaf) => leaf.grad()!)].map((x) => cast(x, "float32").toFloats());
      for (const leaf of inputs) leaf.requiresGrad(false);
      return read;
    });
  return { name, within, own: all(own), others: all(others) };
}
