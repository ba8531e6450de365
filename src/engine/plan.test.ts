import { describe, expect, it } from "vitest";
import { loadRecipe } from "../config/recipe.ts";
import { UserError } from "../util/errors.ts";
import { cardRoom, fits, planAtLength, plannedModel, planStep, savings } from "./plan.ts";

const open = async (name: string, overrides: readonly string[] = []) => {
  const recipe = await loadRecipe(name, overrides, { weights: false });
  return { recipe, model: plannedModel(recipe.model) };
};
const GB = 1e9;

describe("the shapes of released models", () => {
  it.each([
    ["Qwen/Qwen2.5-VL-3B-Instruct", 3_754_622_976],
    ["Qwen/Qwen2.5-VL-7B-Instruct", 8_292_166_656],
    ["OpenGVLab/InternVL3-2B", 2_088_957_440],
    ["OpenGVLab/InternVL3-2B-hf", 2_088_957_440],
  ])("have as many parameters as is published: %s", (id, published) => {
    const shapes = [...plannedModel(id).parameterShapes().values()];
    expect(shapes.reduce((total, shape) => total + shape.reduce((a, b) => a * b, 1), 0)).toBe(published);
  });

  it("are not made up for others", () => {
    expect(() => plannedModel("someone/else")).toThrow(UserError);
  });
});

describe("a step fits the card that its recipe names", () => {
  it.each([
    ["qwen2.5-vl-3b-grit20", "80GB", 81],
    ["qwen2.5-vl-3b-grit20-offload", "48GB", 46],
    ["qwen2.5-vl-3b-grit20-lora", "24GB", 22],
    ["qwen2.5-vl-7b-grit20-lora", "48GB", 46],
    ["qwen2.5-vl-7b-grit20-offload", "80GB", 81],
    ["internvl3-2b-grit20", "48GB", 46],
  ])("%s on %s, whatever the lengths of its completions", async (name, card, most) => {
    const { recipe, model } = await open(name);
    const room = cardRoom(card);
    const worst = planStep(recipe, model, room);
    expect(fits(worst, room)).toBe(true);
    expect(worst.peak).toBeLessThan(most * GB);
    for (const length of [100, 225, 1000]) {
      const { peak } = planAtLength(recipe, model, room, length);
      expect(peak).toBeLessThanOrEqual(worst.peak);
      expect(peak).toBeGreaterThan(0.9 * worst.peak);
    }
  });
});

it("what is held is what the numbers of parameters say", async () => {
  const { recipe, model } = await open("qwen2.5-vl-3b-grit20");
  const { weights, moments, gradients, reference } = planStep(recipe, model, cardRoom("80GB"));
  const parameters = 3_754_622_976;
  expect([weights, moments, gradients, reference]).toEqual([4, 8, 4, 2].map((bytes) => bytes * parameters));
});

it("each change that is offered lowers the peak to what it says", async () => {
  const { recipe, model } = await open("qwen2.5-vl-3b-grit20", ["activation_checkpointing=false"]);
  const room = cardRoom("48GB");
  expect(fits(planStep(recipe, model, room), room)).toBe(false);
  const offered = savings(recipe, model, room);
  expect(offered.map(({ change }) => change.split("=")[0])).toEqual(
    expect.arrayContaining([
      ...["micro_batch_tokens", "activation_checkpointing", "freeze", "lora.rank"],
      ...["offload.reference", "offload.optimizer"],
    ]),
  );
  for (const { change, peak } of offered) {
    const changed = await open("qwen2.5-vl-3b-grit20", ["activation_checkpointing=false", change]);
    expect(planStep(changed.recipe, changed.model, room).peak, change).toBe(peak);
  }
});

it("a card has the bytes that its size stands for", () => {
  expect(cardRoom("80GB").available / GB).toBeCloseTo(84.9, 1);
  expect(cardRoom("24").available).toBe(cardRoom("24 gb").available);
  expect(() => cardRoom("big")).toThrow("is not a size");
});
