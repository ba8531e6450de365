import { describe, expect, it } from "vitest";
import { DEVICE } from "../../test/device.ts";
import { processOf } from "../../test/process-of.ts";
import {
  GRPO,
  gradientOf,
  openTiny,
  relativeDistance,
  scratchPlaces,
  TINIES,
  toTrain,
  withTiny,
} from "../../test/tiny.ts";
import type { ProcessGroup } from "../distributed/process-group.ts";
import { native } from "../torch/native.ts";
import { mul, sum, zeros } from "../torch/ops.ts";
import { disposeAll, keep, liveTensors, type Tensor, tidy } from "../torch/tensor.ts";
import type { EngineOptions } from "./engine.ts";
import { FailedElsewhere, type GradientPass, WholeMasters } from "./masters.ts";
import { Offloaded } from "./offload.ts";
import { AdamW } from "./optimizer.ts";
import { ShardedMasters } from "./sharded-masters.ts";

const place = scratchPlaces();

/** The bytes that are held after some work, beyond those before. */
function bytesOf(work: () => unknown): number {
  const before = liveTensors().bytes;
  work();
  return liveTensors().bytes - before;
}

describe.each(TINIES)("of %s", (checkpoint) => {
  const { engine } = openTiny(checkpoint);
  const shapes = [...engine.model.parameterShapes()];
  engine.dispose();

  it.each([2, 3, 4])("each of %i processes holds its part of masters and moments, within 5 %%", (size) => {
    const whole = shapes.map(([name, shape]) => [name, keep(zeros(shape, "float32", DEVICE))] as const);
    const offloaded = new Offloaded(whole, "float32", DEVICE);
    const alone =
      bytesOf(() => new AdamW(new WholeMasters(whole))) +
      whole.reduce((sum, [, { shape }]) => sum + 4 * shape.reduce((a, b) => a * b, 1), 0);
    for (let rank = 0; rank < size; rank++) {
      let optimizer: AdamW | undefined;
      let masters: ShardedMasters | undefined;
      const held = bytesOf(() => {
        masters = new ShardedMasters(processOf(rank, size), whole, offloaded, false);
        optimizer = new AdamW(masters);
      });
      expect(Math.abs((held * size) / alone - 1)).toBeLessThan(0.05);
      optimizer!.dispose();
      masters!.dispose();
    }
    offloaded.dispose();
    disposeAll(whole.map(([, tensor]) => tensor));
  });

  it.each<[string, EngineOptions]>([
    ["whole", {}],
    ["layers run again", { activationCheckpointing: true }],
    ["an adapter", { lora: { rank: 3, alpha: 6, dropout: 0, targets: "all-linear", parts: ["language"], seed: 4 } }],
  ])("each of 4 processes has its part of the gradient between micro-batches, within 5 %%: %s", async (_, more) => {
    // A frozen tower leaves nothing for later.
    const options: EngineOptions = { ...more, microBatchTokens: 1, freeze: more.lora ? [] : ["vision", "connector"] };
    const trained = async (group?: ProcessGroup) => {
      native.meter(true);
      try {
        return await withTiny(
          checkpoint,
          options,
          (engine, groups) => {
            const held = Array.from({ length: 2 }, () => {
              const [before] = native.metered();
              engine.forwardBackward(toTrain(groups), GRPO);
              return native.metered()[0] - before;
            });
            return { held, gradient: gradientOf(engine, place()) };
          },
          group,
        );
      } finally {
        native.meter(false);
      }
    };
    const [alone, one] = [await trained(), await trained(processOf(0, 4))];
    const elements = [...alone.gradient.values()].reduce((sum, { length }) => sum + length, 0);
    // What else is held, features of images, is the same; a second call finds all there.
    expect(Math.abs((alone.held[0]! - one.held[0]!) / (3 * elements) - 1)).toBeLessThan(0.05);
    expect([alone.held[1], one.held[1]]).toEqual([0, 0]);
    // The first quarter of the elements, and zeros for what others own. Head and embeddings are added up in another order.
    const [all, own] = [alone, one].map(({ gradient }) =>
      Float32Array.from([...gradient.values()].flatMap((values) => [...values])),
    );
    const end = Math.floor(elements / 4);
    const part = (values: Float32Array) => new Map([["", values.subarray(0, end)]]);
    expect(relativeDistance(part(own!), part(all!))).toBeLessThan(1e-6);
    expect(own!.subarray(end).every((value) => value === 0)).toBe(true);
  });
});

describe("passes of one of two processes", () => {
  const names = ["embed", "layers.0.a", "layers.0.b", "layers.1.a", "norm"];

  /** Rank 0's masters of parameters of four elements each, of which it owns the first ten, and what was sent to whom. */
  function open(more: Partial<ProcessGroup> = {}) {
    const parameters = names.map((name) => [name, keep(zeros([2, 2], "float32", DEVICE))] as const);
    const offloaded = new Offloaded(parameters, "float32", DEVICE);
    for (const name of names) offloaded.leaf(name).requiresGrad();
    const sent: (readonly [owner: number, values: number[]])[] = [];
    const reduce_ = (tensor: Tensor, owner: number) => void sent.push([owner, [...tensor.toFloats()]]);
    const masters = new ShardedMasters(processOf(0, 2, { reduce_, ...more }), parameters, offloaded, false);
    /** Goes backward through some parameters, whose gradients are `value` everywhere. */
    const through = (value: number, ...some: string[]) => {
      for (const name of some) tidy(() => sum(mul(offloaded.leaf(name), value)).backward());
    };
    const dispose = () => {
      masters.dispose();
      offloaded.dispose();
      disposeAll(parameters.map(([, tensor]) => tensor));
    };
    return { masters, sent, through, dispose };
  }

  it("send a block when it is passed, all else at the end, and add up what is owned", () => {
    const { masters, sent, through, dispose } = open();
    const sizes = () => sent.splice(0).map(([owner, values]) => [owner, values.length]);
    const pass: GradientPass = (passed) => {
      sizes();
      through(1, "embed", "norm");
      passed();
      expect(sizes()).toEqual([]);
      through(2, "layers.1.a");
      passed();
      expect(sizes()).toEqual([[1, 4]]);
      through(3, "layers.0.a", "layers.0.b");
      passed();
      expect(sizes()).toEqual([
        [0, 6],
        [1, 2],
      ]);
      through(4, "embed");
    };
    masters.accumulate(names, [pass, pass]);
    expect(sizes()).toEqual([
      [0, 4],
      [1, 4],
    ]);
    expect(valuesOf(masters.gradients())).toEqual({
      embed: [10, 10, 10, 10],
      "layers.0.a": [6, 6, 6, 6],
      "layers.0.b": [6, 6],
    });
    masters.clearGradients();
    expect(() => masters.gradients()).toThrow("call forwardBackward first");
    dispose();
  });

  it("are as many as any process has: one without a gradient sends zeros, and what none has is not moved", () => {
    let rounds = 0;
    // The other has two passes, which reach no norm.
    const anywhere = (flags: readonly boolean[]) =>
      flags.length === 2 ? [rounds++ < 2, false] : names.map((name) => name !== "norm");
    const { masters, sent, through, dispose } = open({ anywhere });
    masters.accumulate(names, [() => through(1, "embed")]);
    expect(sent.map(([owner, values]) => [owner, ...values])).toEqual([
      [1, 0, 0, 0, 0],
      [0, 0, 0, 0, 0, 0, 0],
      [1, 0, 0],
      [0, 1, 1, 1, 1],
      [1, 0, 0, 0, 0],
      [1, 0, 0, 0, 0],
      [0, 0, 0, 0, 0, 0, 0],
      [1, 0, 0],
      [0, 0, 0, 0, 0],
      [1, 0, 0, 0, 0],
    ]);
    expect(Object.keys(valuesOf(masters.gradients()))).toEqual(["embed", "layers.0.a", "layers.0.b"]);
    dispose();
  });

  it("that fail are sent all the same, so that nobody waits, and then end in every process", () => {
    const before = liveTensors();
    const { masters, sent, through, dispose } = open();
    const failure = new Error("out of memory");
    const fails: GradientPass = (passed) => {
      through(1, "norm", "layers.1.a");
      passed();
      throw failure;
    };
    expect(() => masters.accumulate(names, [fails, () => expect.unreachable()])).toThrow(failure);
    expect(sent.map(([owner, { length }]) => [owner, length])).toEqual([
      [1, 4],
      [0, 6],
      [1, 2],
      [0, 4],
      [1, 4],
    ]);
    dispose();
    expect(liveTensors()).toEqual(before);
    const other = open({ anywhere: ([isMore]) => [isMore!, other.sent.length > 0] });
    expect(() => other.masters.accumulate(names, [() => {}, () => expect.unreachable()])).toThrow(FailedElsewhere);
    other.dispose();
  });
});

function valuesOf(tensors: ReadonlyMap<string, Tensor>): Record<string, number[]> {
  return Object.fromEntries([...tensors].map(([name, tensor]) => [name, [...tensor.toFloats()]]));
}
