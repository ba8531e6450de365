/** @file The bases that come with the repository: each opens and finds what stands in a scene. */

import { expect, test } from "vitest";
import { unionIoU } from "../src/boxes.ts";
import { chainOf } from "../src/chain/chain-of.ts";
import { renderScene } from "../src/data/scenes/render.ts";
import { sparseScene } from "../src/data/scenes/world.ts";
import { LocalEngine } from "../src/engine/local.ts";
import { named } from "../src/prompt/image.ts";
import { mean } from "../src/util/arrays.ts";
import { stream } from "../src/util/random.ts";
import { DEVICE } from "./device.ts";

test.each([
  ["grit-tiny-base", "frame"],
  ["grit-tiny-base-internvl", "permille"],
])("%s boxes the objects of scenes of three, in its own numbers", async (name, space) => {
  const engine = new LocalEngine(`models/${name}`, { device: DEVICE, precision: "float32" });
  expect(engine.processor.boxSpace).toBe(space);
  const scenes = Array.from({ length: 8 }, (_, i) => sparseScene(stream(3, "test", i), 3));
  const prompts = await Promise.all(
    scenes.map((scene) =>
      engine.processor.promptFrom({ images: [named(renderScene(scene))], text: "\nDetect all objects." }),
    ),
  );
  const answers = await engine.sample(prompts, { n: 1, maxTokens: 96, temperature: 0, seed: 1 });
  const ious = answers.map(([answer], i) => {
    const { boxes } = chainOf(engine.processor, prompts[i]!, answer!.text);
    return unionIoU(
      boxes.map(({ box }) => box),
      scenes[i]!.objects.map(({ box }) => box),
    );
  });
  engine.dispose();
  expect(mean(ious)).toBeGreaterThan(0.5);
});
