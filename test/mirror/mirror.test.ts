/** @file The mirror itself: it computes what the CPU computes, refuses what CUDA refuses, and counts what the ledger counts. */
import { describe, expect, it } from "vitest";
import { DeviceLedger } from "../../src/torch/device-ledger.ts";
import { native } from "../../src/torch/native.ts";
import {
  adamw_,
  add,
  bernoulli_,
  cat,
  embedding,
  floats,
  Generator,
  gt,
  indexSelect,
  ints,
  matmul,
  mul,
  mul_,
  narrow,
  sum,
  toDevice,
  transpose,
  uniform_,
  where,
  zeros,
} from "../../src/torch/ops.ts";
import { Tensor, tidy } from "../../src/torch/tensor.ts";
import { GRPO, largestGap, STEP, TINIES, toTrain, withTiny } from "../tiny.ts";
import { traffic } from "./traffic.ts";

const HERE = "mirror:0";
const onCpu = () => floats([1, 2, 3, 4, 5, 6], [2, 3]);
const onMirror = (device = HERE) => toDevice(onCpu(), device);
/** A tensor without dimensions. */
const scalar = (value: number) => sum(floats([value], [1]));
/** An operator that ops.ts does not have. */
function call(name: string, ...args: (Tensor | number)[]): Tensor {
  const [base, overload = ""] = name.split(".") as [string, string?];
  const given = args.map((arg) => (arg instanceof Tensor ? arg.handle : arg));
  return new Tensor(native.call(native.find(`aten::${base}`, overload), ...given) as number);
}

describe("computes what the CPU computes", () => {
  it.each<[string, (x: Tensor) => Tensor, number[]]>([
    ["elementwise", (x) => add(x, mul(x, 2)), [3, 6, 9, 12, 15, 18]],
    ["a product with a view", (x) => matmul(x, transpose(x, 0, 1)), [14, 32, 32, 77]],
    ["rows by index", (x) => indexSelect(x, 1, toDevice(ints([2, 0]), HERE)), [3, 1, 6, 4]],
    ["a list of tensors", (x) => cat([x, x], 1), [1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6]],
    ["a number of the host", (x) => add(x, scalar(1)), [2, 3, 4, 5, 6, 7]],
  ])("%s", (_, compute, wanted) => {
    tidy(() => {
      const result = compute(onMirror());
      expect(result.device).toBe(HERE);
      expect([...result.toFloats()]).toEqual(wanted);
    });
  });

  it("what is written through a view, and into memory that a kernel grows", () => {
    tidy(() => {
      const x = onMirror();
      mul_(narrow(x, 1, 0, 1), 10);
      expect([...x.toFloats()]).toEqual([10, 2, 3, 40, 5, 6]);
      const grown = zeros([0], "float32", HERE);
      call("add.out", x, x, 1, grown);
      expect([grown.shape, ...grown.toFloats()]).toEqual([[2, 3], 20, 4, 6, 80, 10, 12]);
    });
  });

  it("gradients, also through a copy to the host", () => {
    tidy(() => {
      const x = onMirror().requiresGrad();
      sum(toDevice(mul(x, x), "cpu")).backward();
      expect(x.grad()!.device).toBe(HERE);
      expect([...x.grad()!.toFloats()]).toEqual([2, 4, 6, 8, 10, 12]);
    });
  });

  it("random numbers, whose stream is saved and restored", () => {
    tidy(() => {
      const draw = (generator: Generator, device: string) => [
        ...uniform_(zeros([3], "float32", device), 0, 1, generator).toFloats(),
      ];
      using here = new Generator(5, HERE);
      using there = new Generator(5, "cpu");
      const { state } = here;
      const drawn = draw(here, HERE);
      expect(drawn).toEqual(draw(there, "cpu"));
      here.state = state;
      expect(draw(here, HERE)).toEqual(drawn);
    });
  });

  it.each(TINIES)("a whole step of %s, but for rounding", async (name) => {
    const stepOn = (device: string) =>
      withTiny(name, { device, reference: true, activationCheckpointing: true }, async (engine, groups) => {
        const prompts = groups.map(({ prompt }) => prompt);
        const completions = await engine.sample(prompts, { n: 2, maxTokens: 8, temperature: 1, seed: 3 });
        const scored = engine.score("reference", groups);
        const { logprobs } = engine.forwardBackward(toTrain(groups), GRPO);
        return { completions: completions.flat(), values: [scored, logprobs, [[[engine.step(STEP).gradNorm]]]] };
      });
    const [here, there] = [await stepOn(HERE), await stepOn("cpu")];
    expect(here.completions.map(({ ids }) => ids)).toEqual(there.completions.map(({ ids }) => ids));
    // The mirror multiplies by MKL, the CPU by oneDNN.
    expect(largestGap(here.values, there.values)).toBeLessThan(5e-5);
  });
});

describe("refuses", () => {
  const two = /two devices(: `\w+` is on cpu, another one on mirror:0|, mirror:0 and cpu)/;
  it.each<[string, () => unknown, RegExp]>([
    ["a sum of two devices", () => add(onMirror(), onCpu()), two],
    ["a product", () => matmul(onMirror(), transpose(onCpu(), 0, 1)), two],
    ["an index of the host", () => indexSelect(onMirror(), 1, ints([2, 0])), two],
    ["a table of the host", () => indexSelect(onCpu(), 1, toDevice(ints([2, 0]), HERE)), two],
    ["ids of the host", () => embedding(onMirror(), ints([0])), two],
    ["a list", () => cat([onMirror(), onCpu()], 0), two],
    ["a choice", () => where(gt(onMirror(), 2), onMirror(), onCpu()), two],
    ["a number of the host in a product", () => call("addmm", scalar(3), onMirror(), transpose(onMirror(), 0, 1)), two],
    ["tensors of two mirrors", () => add(onMirror(), onMirror("mirror:1")), /two devices, mirror:0 and mirror:1/],
    ["a gradient of the host", () => mul(onMirror().requiresGrad(), 2).backward(onCpu()), /device/],
    [
      "a generator of the host",
      () => bernoulli_(onMirror(), 0.5, new Generator(5, "cpu")),
      /on mirror:0 got a generator of cpu/,
    ],
    [
      "an operator that CUDA has no kernel for",
      () => call("_add_relu.Tensor", onMirror(), onMirror()),
      /CUDA has no kernel/,
    ],
  ])("%s", (_, refused, message) => {
    tidy(() => expect(refused).toThrow(message));
  });

  it("a number of steps on the host in an update", () => {
    tidy(() => {
      const [x, gradient, mean, square] = Array.from({ length: 4 }, () => onMirror()) as [
        Tensor,
        Tensor,
        Tensor,
        Tensor,
      ];
      const options = { lr: 1, betas: [0, 0], eps: 1e-8, weightDecay: 0 } as const;
      expect(() => adamw_([x], [gradient], [mean], [square], [scalar(1)], options)).toThrow(two);
    });
  });
});

it.each(TINIES)("counts the uploads and the reads of a step of %s as the ledger does on any device", (name) =>
  withTiny(name, { reference: true }, async (engine, groups) => {
    const before = traffic()!;
    using ledger = new DeviceLedger();
    await engine.sample([groups[0]!.prompt], { n: 2, maxTokens: 8, temperature: 1, seed: 3 });
    engine.score("reference", groups);
    engine.forwardBackward(toTrain(groups), GRPO);
    engine.step(STEP);
    const after = traffic()!;
    expect([ledger.uploads, ledger.reads]).toEqual([after.uploads - before.uploads, after.reads - before.reads]);
  }),
);
