import { expect, test } from "vitest";
import { box } from "../boxes.ts";
import type { Scene } from "../data/scenes/world.ts";
import type { ImageInput } from "../records.ts";
import { patchesOf } from "./vision.ts";

/** A red square over four merged patches, centred in the first, and a blue cross within two. */
const scene: Scene = {
  width: 100,
  height: 50,
  seed: 1,
  objects: [
    { color: "red", shape: "square", box: box("image", 8, 2, 36, 30) },
    { color: "blue", shape: "cross", box: box("image", 60, 4, 80, 24) },
  ],
};
/** Every side is 1.12 times as long in the frame: 4 by 2 merged patches of 28 pixels. */
const image: ImageInput = {
  pixels: new Float32Array(),
  grid_thw: [1, 4, 8],
  frame: { imageWidth: 100, imageHeight: 50, frameWidth: 112, frameHeight: 56 },
  sha256: "",
};

test("a patch is part of what covers most of it, if it covers a fifth", () => {
  // The square's edges in the frame: 8.96, 2.24, 40.32, 33.6. Below row 28 it covers 5.6 of 28 pixels' height: too little.
  expect(patchesOf(scene, image, "frame").map(({ part }) => part)).toEqual([2, 2, 4, 0, 0, 0, 0, 0]);
});

test("an object is told of where its centre lies, its edges in the frame and as they are written", () => {
  const objects = patchesOf(scene, image, "permille").map(({ object }) => object);
  expect(objects.map((object) => object?.shape)).toEqual([
    2,
    undefined,
    4,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  const { color, box: edges, written } = objects[0]!;
  expect([color, edges.x1, edges.y2]).toEqual([0, expect.closeTo(8.96), expect.closeTo(33.6)]);
  expect(written).toEqual([80, 40, 360, 600]);
});
