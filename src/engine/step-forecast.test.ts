import { describe, expect, it } from "vitest";
import { checkpointDir } from "../../test/commands.ts";
import { DEVICE } from "../../test/device.ts";
import { readModel } from "../models/architectures.ts";
import type { HeldParameter } from "./memory.ts";
import { forecastStep, type StepSettings, weightsOfToken } from "./step-forecast.ts";

const model = readModel(checkpointDir("tied"));
const parameters = [...model.parameterShapes()].map(
  ([name, shape]): HeldParameter => ({ name, part: model.partOf(name), shape, dtype: "float32", trained: true }),
);
const count = (some: readonly HeldParameter[]) =>
  some.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
const trained = count(parameters);
const text = count(parameters.filter(({ part }) => part === "language" || part === "embeddings"));
const workload = { prompts: 8, completions: 4, promptTokens: 100, patches: 64, maxTokens: 50 };
const settings: StepSettings = {
  ...{ precision: "float32", device: DEVICE, reference: true },
  ...{ checkpointing: false, updates: 1, microBatchTokens: 4096, processes: 1 },
};
const speeds = { flops: 1e9, bandwidth: 1e9, link: 1e8 };
const forecast = (more: Partial<StepSettings> = {}, at: Partial<typeof speeds> = {}) =>
  forecastStep(model, parameters, workload, { ...settings, ...more }, { ...speeds, ...at });

describe("a step's forecast", () => {
  it("counts two operations for each weight of each token, and three passes for a gradient", () => {
    const tokens = 8 * 100 + 32 * 50;
    const text = parameters.map((each) => ({ ...each, trained: each.part !== "vision" }));
    const frozen = forecastStep(model, text, workload, settings, speeds);
    expect(frozen.scoring).toBeCloseTo((2 * weightsOfToken(model) * tokens) / 1e9, 9);
    expect(frozen.gradients).toBeCloseTo(3 * frozen.scoring, 9);
    // A trained tower sees the images again for the reference, and runs backward.
    expect(forecast().gradients).toBeCloseTo(3 * forecast().scoring, 9);
    expect(forecast().scoring).toBeGreaterThan(frozen.scoring);
    expect(forecast({ checkpointing: true }).gradients / forecast().gradients).toBeCloseTo(4 / 3, 9);
    expect(forecast({ reference: false }).scoring).toBe(0);
  });

  it("divides prompts among processes, which read all weights for every token, however few its rows", () => {
    const [one, two, nine] = [1, 2, 9].map((processes) => forecast({ processes }));
    expect(two!.gradients).toBeCloseTo(one!.gradients / 2, 9);
    // A prompt is not divided.
    expect(nine!.gradients).toBeCloseTo(forecast({ processes: 8 }).gradients, 9);
    const read = (50 * weightsOfToken(model) * 4) / 1e6;
    const many = forecast({ processes: 8 }, { flops: 1e15, bandwidth: 1e6 }).sampling;
    expect(many).toBeGreaterThan(read);
    expect(forecast({}, { flops: 1e15, bandwidth: 1e6 }).sampling - read).toBeCloseTo(8 * (many - read), 6);
  });

  it("sends gradients in float32 after each micro-batch, the tower's once, and weights in the type of the computation to the others", () => {
    expect(forecast().sent).toBe(0);
    const sent = (processes: number, more: Partial<StepSettings> = {}) => forecast({ processes, ...more }).sent;
    // Four prompts of 300 tokens a process are one micro-batch.
    expect(sent(2)).toBeCloseTo((4 + 4 / 2) * trained, 3);
    expect(sent(64, { precision: "bfloat16" })).toBeCloseTo((4 + (2 * 63) / 64) * trained, 3);
    expect(sent(2, { microBatchTokens: 600 }) - sent(2)).toBeCloseTo(4 * text, 3);
    expect(sent(2, { microBatchTokens: 1 }) - sent(2)).toBeCloseTo(3 * 4 * text, 3);
    expect(sent(2, { updates: 3 })).toBeCloseTo(3 * sent(2), 3);
    expect(forecast({ processes: 2 }).sending).toBeCloseTo(sent(2) / 1e8, 9);
  });

  it("adds up", () => {
    const { sampling, scoring, gradients, update, sending, seconds } = forecast({ processes: 4 });
    expect(sampling + scoring + gradients + update + sending).toBeCloseTo(seconds, 12);
    expect(update).toBeCloseTo((7 * 4 * trained) / 4 / 1e9, 12);
  });
});
