import { describe, expect, it } from "vitest";
import { DEVICE, IS_PROCESSOR } from "../../test/device.ts";
import { differenceIn, fusedCases } from "../../test/fused-operators.ts";
import { floats, gated } from "./ops.ts";
import { noGrad, tidy } from "./tensor.ts";

describe.each(["float32", "bfloat16"] as const)("operators with a pass of their own, in %s", (dtype) => {
  it.each(fusedCases(DEVICE, dtype))("$name: the values and gradients of the operators it stands for", (each) => {
    expect(differenceIn(each)).toBeUndefined();
    expect(new Set(each.own[0]).size).toBeGreaterThan(50);
  });
});

it.runIf(IS_PROCESSOR)("gates from one end of float32 to the other", () => {
  const gates = [-1e30, -200, -104, -88, -87, -20, -1e-3, 0, 1e-30, 0.5, 17, 88, 104, 200, 1e30];
  tidy(() => {
    const gate = floats(gates, [1, gates.length]);
    const ones = floats(new Array<number>(gates.length).fill(1), [1, gates.length]);
    const values = noGrad(() => gated(gate, ones).toFloats());
    for (const [i, x] of gates.entries()) {
      const wanted = x / (1 + Math.exp(-x));
      expect(Math.abs(values[i]! - wanted)).toBeLessThanOrEqual(3e-7 * Math.abs(wanted) + 1e-8);
    }
  });
});
