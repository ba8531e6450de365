import { describe, expect, it } from "vitest";
import { DEVICE } from "../../test/device.ts";
import { fusedCases } from "../../test/fused-operators.ts";

describe.each(["float32", "bfloat16"] as const)("operators with a pass of their own, in %s", (dtype) => {
  it.each(fusedCases(DEVICE, dtype))("$name: the values and gradients of the operators it stands for", (each) => {
    for (const [i, values] of each.own.entries()) expect(values).toEqual(each.others[i]);
    expect(new Set(each.own[0]).size).toBeGreaterThan(50);
  });
});
