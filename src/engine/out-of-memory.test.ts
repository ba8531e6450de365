import { afterEach, describe, expect, it, vi } from "vitest";
import { processOf } from "../../test/process-of.ts";
import {
  GRPO,
  gradientOf,
  largestGap,
  relativeDistance,
  STEP,
  scratchPlaces,
  TINIES,
  toTrain,
  withTiny,
} from "../../test/tiny.ts";
import { liveTensors } from "../torch/tensor.ts";
import { saysWhenShort } from "./device.ts";
import type { LocalEngine } from "./local.ts";
import { FailedElsewhere } from "./masters.ts";

const place = scratchPlaces();
afterEach(() => void vi.restoreAllMocks());
const options = { activationCheckpointing: true, microBatchTokens: 4096 };

/** A device without room for a layer of more than so many tokens, which shows late: when the first layer is run again. */
function shortOf(engine: LocalEngine, tokens: number): number[] {
  const seen: number[] = [];
  const layer = engine.model.layer.bind(engine.model);
  let first = 0;
  vi.spyOn(engine.model, "layer").mockImplementation((weights, index, x_TD, ...rest) => {
    const rows = x_TD.size(0);
    if (index === 0) first++;
    if (index === 0 && first % 2 === 0) {
      if (rows > tokens) {
        first = 0;
        throw new Error("CUDA out of memory. Tried to allocate 2.00 GiB.");
      }
      seen.push(rows);
    }
    return layer(weights, index, x_TD, ...rest);
  });
  return seen;
}

describe.each(TINIES)("memory that runs short in a micro-batch of %s", (name) => {
  it("cuts it, and the ones after it, into parts whose sum is the same", async () => {
    const before = liveTensors();
    const whole = await withTiny(name, options, (engine, groups) => {
      const result = engine.forwardBackward(toTrain(groups), GRPO);
      return { ...result, gradient: gradientOf(engine, place()) };
    });
    await withTiny(name, options, (engine, groups) => {
      const longest = Math.max(...groups.map(({ prompt }) => prompt.ids.length));
      const seen = shortOf(engine, longest + 40);
      const { metrics, logprobs } = engine.forwardBackward(toTrain(groups), GRPO);
      expect(seen.length).toBeGreaterThan(groups.length / 2);
      expect(largestGap(logprobs, whole.logprobs)).toBeLessThan(1e-5);
      for (const [key, value] of Object.entries(whole.metrics))
        expect(metrics[key as keyof typeof metrics], key).toBeCloseTo(value, 4);
      expect(relativeDistance(gradientOf(engine, place()), whole.gradient)).toBeLessThan(1e-5);
      // What was cut once is not tried whole again.
      const parts = seen.splice(0);
      engine.forwardBackward(toTrain(groups), GRPO);
      expect(seen).toEqual(parts);
    });
    expect(liveTensors()).toEqual(before);
  });

  it("in another process cuts this one's too, and where that cannot go on, ends it", async () => {
    let short = 0;
    const anywhere = (flags: readonly boolean[]) => (flags.length === 2 ? [flags[0]!, short-- > 0] : [...flags]);
    await withTiny(
      name,
      options,
      (engine, groups) => {
        const layer = vi.spyOn(engine.model, "layer");
        const microBatches = () => layer.mock.calls.splice(0).filter(([, index]) => index === 0).length / 2;
        const { logprobs } = engine.forwardBackward(toTrain(groups), GRPO);
        expect(microBatches()).toBe(1);
        engine.dropGradient();
        short = 5;
        expect(largestGap(engine.forwardBackward(toTrain(groups), GRPO).logprobs, logprobs)).toBeLessThan(1e-5);
        expect(microBatches()).toBeGreaterThan(1);
        // What an earlier call has added could not be made again.
        short = 1;
        expect(() => engine.forwardBackward(toTrain(groups), GRPO)).toThrow(FailedElsewhere);
        expect(() => engine.step(STEP)).toThrow("call forwardBackward first");
      },
      processOf(0, 2, { anywhere }),
    );
  });

  it("is found before the first step where a device says it, and what follows is cut from the start", () =>
    withTiny(name, options, (engine, groups) => {
      const [longest] = groups.map(({ prompt }) => prompt).sort((a, b) => b.ids.length - a.ids.length);
      const [{ ids }, patches] = [
        longest!,
        longest!.images.reduce((sum, { grid_thw: [t, h, w] }) => sum + t * h * w, 0),
      ];
      const workload = { prompts: 4, completions: 3, promptTokens: ids.length, patches, maxTokens: 50 };
      const seen = shortOf(engine, ids.length + 60);
      engine.rehearse(longest!, workload, GRPO);
      expect(() => engine.step(STEP)).toThrow("call forwardBackward first");
      const calls = seen.length;
      expect(calls > 0).toBe(saysWhenShort(engine.device));
      engine.forwardBackward(toTrain(groups), GRPO);
      expect(seen.length).toBeGreaterThan(calls);
      shortOf(engine, 1);
      const again = () => engine.rehearse(longest!, workload, GRPO);
      if (saysWhenShort(engine.device)) expect(again).toThrow("out of memory");
      else expect(again).not.toThrow();
    }));

  it("is an error where nothing can be cut, or where an earlier call has added what would be lost", () =>
    withTiny(name, options, (engine, groups) => {
      shortOf(engine, 1);
      expect(() => engine.forwardBackward(toTrain(groups), GRPO)).toThrow("out of memory");
      expect(() => engine.step(STEP)).toThrow("call forwardBackward first");
      vi.restoreAllMocks();
      engine.forwardBackward(toTrain(groups), GRPO);
      shortOf(engine, 1);
      expect(() => engine.forwardBackward(toTrain(groups), GRPO)).toThrow("out of memory");
    }));
});
