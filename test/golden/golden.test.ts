import { describe, expect, it } from "vitest";
import { goldenImage, goldenNames, loadGolden, syntheticRgb } from "./golden.ts";

describe.each(goldenNames())("recorded numbers of %s", (name) => {
  const golden = loadGolden(name);

  it.each(golden.prompts.map((prompt) => [prompt.name, prompt] as const))("are complete for %s", (key, prompt) => {
    const length = prompt.input_ids.length + prompt.completion_ids.length;
    expect(prompt.position_ids.map((row) => row.length)).toEqual(prompt.position_ids.map(() => length));
    expect(prompt.position_ids[0]!.at(-1)).toBe(length - 1 + (prompt.rope_delta ?? 0));
    expect(golden.array(`${key}/logits`).shape[0]).toBe(length);
    expect(golden.array(`${key}/logprobs`).shape).toEqual([prompt.completion_ids.length]);
    expect(golden.array(`${key}/logprobs`).data.every((value) => value < 0)).toBe(true);
    expect(prompt.inputs.map(({ grid_thw }) => grid_thw)).toEqual(prompt.image_grid_thw);
    if (prompt.images.length === 0) return;
    const counts = golden.masked_ids.map((masked) => prompt.input_ids.filter((id) => id === masked).length);
    expect(golden.array(`${key}/vision`).shape[0]).toBe(Math.max(...counts));
  });

  it("have a loss that is the mean of its log-probabilities", () => {
    for (const { prompts, loss } of golden.gradients) {
      const logprobs = prompts.flatMap((key) => [...golden.array(`${key}/logprobs`).data]);
      expect(-logprobs.reduce((sum, value) => sum + value) / logprobs.length).toBeCloseTo(loss, 5);
    }
  });
});

it("the synthetic picture and the recorded pixels agree where nothing is resized", () => {
  const { width, height, pixels } = goldenImage("wide");
  const red = syntheticRgb(width, height)[0]!;
  expect(pixels[0]).toBeCloseTo((red / 255 - 0.48145466) / 0.26862954, 6);
  const last = syntheticRgb(width, height).at(-1)!;
  expect(pixels.at(-1)).toBeCloseTo((last / 255 - 0.40821073) / 0.27577711, 6);
});
