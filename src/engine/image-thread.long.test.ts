/** @file How long a server's loop waits while a large image is decoded. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import sharp from "sharp";
import { expect, it } from "vitest";
import { loadGolden } from "../../test/golden/golden.ts";
import { ImageThread } from "./image-thread.ts";

it("twenty million pixels hold up this thread for less than 50 ms", async () => {
  const thread = new ImageThread(loadGolden("qwen2_5_vl/tied").dir, {});
  const picture = (width: number, height: number) =>
    sharp({ create: { width, height, channels: 3, background: "teal" } })
      .jpeg()
      .toBuffer();
  const [small, large] = [await picture(9, 9), await picture(5000, 4000)];
  // The thread begins with its first image.
  await thread.read(small);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const { frame } = await thread.read(large);
  delay.disable();
  await thread.close();
  expect(frame.imageWidth).toBe(5000);
  expect(delay.max / 1e6).toBeLessThan(50);
});
