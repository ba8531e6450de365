import { describe, expect, it } from "vitest";
import { RecordedGraphs } from "../../test/recorded-graphs.ts";
import { add, add_, floats, mul, reshape, upload_ } from "./ops.ts";
import { Repeated } from "./repeated.ts";
import { keep, liveTensors, type Tensor, tidy } from "./tensor.ts";

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
    const { run, dispose } = counting();
    for (let i = 1; i < 5; i++) expect(run(i, -i)).toEqual([10 * i + i, -10 * i + i]);
    dispose();
  });

  it("is recorded the second time, and gives the same from then on", () => {
    const before = liveTensors();
    using graphs = new RecordedGraphs();
    const { run, moved, dispose } = counting();
    for (let i = 1; i < 5; i++) expect(run(i, -i)).toEqual([10 * i + i, -10 * i + i]);
    expect([graphs.recorded, graphs.replayed]).toEqual([1, 3]);
    moved();
    for (let i = 5; i < 8; i++) expect(run(i, -i)).toEqual([10 * i + i, -10 * i + i]);
    expect([graphs.recorded, graphs.replayed]).toEqual([2, 5]);
    dispose();
    expect(liveTensors()).toEqual(before);
  });

  it("goes on after a recording that breaks off", () => {
    using _ = new RecordedGraphs();
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

  it("may not wait for the device", () => {
    using _ = new RecordedGraphs();
    const x = floats([1], [1]);
    const waiting = new Repeated("cpu", (): Tensor => floats([x.item()], [1]));
    tidy(() => waiting.run());
    expect(() => waiting.run()).toThrow("while a graph is being recorded");
    x.dispose();
  });
});
