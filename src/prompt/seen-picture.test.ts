import { expect, it } from "vitest";
import { goldenImage, loadGolden, syntheticRgb } from "../../test/golden/golden.ts";
import { named } from "./image.ts";
import { Processor } from "./prompt.ts";
import { resizeBicubic } from "./resize.ts";
import { seenPicture } from "./seen-picture.ts";

it.each(["tied", "internvl/tied", "internvl/original"])(
  "gives the resized pixels back that %s takes, each at its place",
  (checkpoint) => {
    const { images } = Processor.load(loadGolden(checkpoint).dir);
    const { width, height } = goldenImage("wide");
    const stored = { width, height, rgb: syntheticRgb(width, height) };
    const taken = images.process(named(stored));
    const { frameWidth, frameHeight } = taken.frame;
    expect(seenPicture(images, taken)).toEqual({ ...resizeBicubic(stored, frameWidth, frameHeight) });
  },
);
