import { expect, it } from "vitest";
import { within } from "./within.ts";

it("gives what the work gives, and throws what it throws", () => {
  expect(within(1, () => [1, 2])).toEqual([1, 2]);
  expect(() => within(1, () => within(1, () => JSON.parse("{")))).toThrow(SyntaxError);
});

it("ends a loop, and a pattern that tries everything", () => {
  expect(() =>
    within(0.05, () => {
      for (;;);
    }),
  ).toThrow("it does not end within 0.05 s");
  expect(() => within(0.05, () => /^(a+)+$/.test(`${"a".repeat(50)}b`))).toThrow("it does not end");
  expect(within(1, () => "still works")).toBe("still works");
});

it("does not count time that passes without the processor", () => {
  let calls = 0;
  const sleeping = () => {
    // The first call sleeps through its time, as on a machine that others keep busy.
    if (calls++ === 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    return calls;
  };
  expect(within(0.05, sleeping)).toBe(2);
});
