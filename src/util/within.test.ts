import { expect, it } from "vitest";
import { within } from "./within.ts";

it("gives what the work gives, and throws what it throws", () => {
  expect(within(1, () => [1, 2])).toEqual([1, 2]);
  expect(() => within(1, () => within(1, () => JSON.parse("{")))).toThrow(SyntaxError);
});

it("has patience with what was late without the processor: the machine may have been busy", () => {
  let tries = 0;
  const lateOnce = () => {
    if (++tries === 1) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
    return tries;
  };
  expect(within(0.05, lateOnce)).toBe(2);
});

it("ends a loop, and a pattern that tries everything", () => {
  expect(() =>
    within(0.05, () => {
      for (;;);
    }),
  ).toThrow(/it does not end within 0\.0(?:5|75) s/);
  expect(() => within(0.05, () => /^(a+)+$/.test(`${"a".repeat(50)}b`))).toThrow("it does not end");
  expect(within(1, () => "still works")).toBe("still works");
});
