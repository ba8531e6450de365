import { afterEach, describe, expect, it, vi } from "vitest";
import { native } from "./native.ts";
import { add, add_, argmax, cat, equal, floats, mul, reshape, split, sub, toHost, upload_ } from "./ops.ts";
import { Repeated } from "./repeated.ts";
import { keep, liveTensors, type Tensor, tidy } from "./tensor.ts";

native.version();
afterEach(() => vi.restoreAllMocks());

/** How often work was recorded and repeated since. */
function counted() {
  const [recorded, repeated] = [vi.spyOn(native, "endRecording"), vi.spyOn(native, "replay")];
  return () => [recorded.mock.calls.length, repeated.mock.calls.length];
}

/** 10 x + the number of runs so far, of what was last written to x. */
function counting() {
  const x = keep(floats([0, 0], [2]));
  const runs = keep(floats([0], [1]));
  const work = () => {
    add_(runs, 1);
    return add(reshape(mul(x, 10), [1, 2]), runs);
  };
  const repeated = new Repeated("cpu", work);
  const run = (a: number, b: number) =>
    tidy(() => {
      upload_(x, floats([a, b], [2]));
      return Array.from(repeated.run().toFloats());
    });
  const dispose = () => {
    repeated.moved();
    for (const tensor of [x, runs]) tensor.dispose();
  };
  return { run, moved: () => repeated.moved(), dispose };
}

describe("work that is repeated", () => {
  it("runs as it stands where a device records nothing", () => {
    vi.spyOn(native, "recordsWork").mockReturnValue(false);
    const count = counted();
    const { run, dispose } = counting();
    for (let i = 1; i < 5; i++) expect(run(i, -i)).toEqual([10 * i + i, -10 * i + i]);
    expect(count()).toEqual([0, 0]);
    dispose();
  });

  it("is recorded the second time, and gives the same from then on", () => {
    const before = liveTensors();
    const count = counted();
    const { run, moved, dispose } = counting();
    for (let i = 1; i < 5; i++) expect(run(i, -i)).toEqual([10 * i + i, -10 * i + i]);
    expect(count()).toEqual([1, 3]);
    moved();
    for (let i = 5; i < 8; i++) expect(run(i, -i)).toEqual([10 * i + i, -10 * i + i]);
    expect(count()).toEqual([2, 5]);
    dispose();
    expect(liveTensors()).toEqual(before);
  });

  it("takes and gives lists, and writes into what it has made itself", () => {
    const x = keep(floats([1, 2, 3, 4], [4]));
    const repeated = new Repeated("cpu", () => {
      const [left, right] = split(x, [1, 3], 0) as [Tensor, Tensor];
      const sum = mul(x, 1);
      add_(sum, mul(left, 2));
      return cat([right, sub(sum, 1), x, right], 0);
    });
    const run = () => tidy(() => Array.from(repeated.run().toFloats()));
    for (let i = 0; i < 4; i++) {
      const first = 1 + 5 * i;
      expect(run()).toEqual([2, 3, 4, ...[first, 2, 3, 4].map((v) => 2 * first + v - 1), first, 2, 3, 4, 2, 3, 4]);
      tidy(() => upload_(x, floats([first + 5, 2, 3, 4], [4])));
    }
    repeated.moved();
    x.dispose();
  });

  it("may give what was there before", () => {
    const x = keep(floats([1], [1]));
    const repeated = new Repeated("cpu", () => add_(x, 1));
    expect([1, 2, 3, 4].map(() => tidy(() => repeated.run().toFloats()[0]))).toEqual([2, 3, 4, 5]);
    repeated.moved();
    x.dispose();
  });

  it("goes on after a recording that breaks off", () => {
    let fails = false;
    const x = floats([1], [1]);
    const repeated = new Repeated("cpu", () => {
      if (fails) throw new Error("broken");
      return mul(x, 2);
    });
    const run = () => tidy(() => repeated.run().toFloats()[0]);
    expect(run()).toBe(2);
    fails = true;
    expect(run).toThrow("broken");
    fails = false;
    expect(run()).toBe(2);
    x.dispose();
    repeated.moved();
  });

  it.each([
    ["item", (x: Tensor) => floats([x.item()], [1])],
    ["intoBytes", (x: Tensor) => (toHost(x).toFloats().length > 0 ? x : x)],
    ["fromBytes", (x: Tensor) => add(x, floats([1], [1]))],
    ["equal", (x: Tensor) => (equal(x, x) ? argmax(x, 0) : x)],
  ])("may not wait for the device or send it values: %s", (what, work) => {
    const x = floats([1], [1]);
    const waiting = new Repeated("cpu", () => work(x));
    tidy(() => waiting.run());
    expect(() => tidy(() => waiting.run())).toThrow(new RegExp(`${what} .*while work is being recorded`));
    x.dispose();
  });
});
