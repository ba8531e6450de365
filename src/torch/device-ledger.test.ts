import { expect, test } from "vitest";
import { DeviceLedger } from "./device-ledger.ts";
import { adamw_, add, equal, floats, ints, mul, sum, toDevice, zeros } from "./ops.ts";
import { tidy } from "./tensor.ts";

test("a ledger counts operator calls by name, and what goes to the device and comes back", () => {
  using ledger = new DeviceLedger();
  tidy(() => {
    const x = toDevice(floats([1, 2], [2]), "cpu").requiresGrad();
    const y = sum(mul(add(x, 1), add(x, x)));
    expect(y.item()).toBe(16);
    y.backward();
    expect([...x.grad()!.toFloats()]).toEqual([6, 10]);
    expect(equal(x, x)).toBe(true);
    expect(ints([3]).toInts()).toEqual([3]);
    expect(x.toBytes()).toHaveLength(8);
  });
  expect(Object.fromEntries(ledger.operators)).toEqual({
    ...{ "to.device": 1, "add.Scalar": 1, "add.Tensor": 1, "mul.Tensor": 1, sum: 1, backward: 1, equal: 1 },
  });
  expect([ledger.calls, ledger.uploads, ledger.reads]).toEqual([7, 1, 5]);
});

test("an operator that answers with nothing reads nothing", () => {
  using ledger = new DeviceLedger();
  tidy(() => {
    const [x, gradient, mean, square, step] = Array.from({ length: 5 }, () => zeros([1]));
    const options = { lr: 1, betas: [0, 0], eps: 1e-8, weightDecay: 0 } as const;
    adamw_([x!], [gradient!], [mean!], [square!], [step!], options);
  });
  expect([ledger.operators.get("_fused_adamw_"), ledger.reads]).toEqual([1, 0]);
});

test("what happens before a ledger is opened and after it is disposed is not counted", () => {
  zeros([1]).dispose();
  const ledger = new DeviceLedger();
  expect(() => new DeviceLedger()).toThrow("Another ledger is open");
  ledger[Symbol.dispose]();
  zeros([1]).dispose();
  expect(ledger.calls).toBe(0);
});
