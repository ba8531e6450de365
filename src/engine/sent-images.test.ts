import { expect, it } from "vitest";
import { plainFrame } from "../rewards/fixtures.ts";
import { ImageReceiver, ImageSender } from "./sent-images.ts";

const image = (value: number) =>
  ({ pixels: Float32Array.of(value), grid_thw: [1, 1, 1], frame: plainFrame, sha256: String(value) }) as const;

it("images are sent once for calls in a row that name them, again after one that does not, and never given away", () => {
  const [sender, receiver] = [new ImageSender(), new ImageReceiver()];
  const [one, two] = [image(1), image(2)];
  const send = (...images: (typeof one)[]) => {
    const sent = sender.pack([{ ids: [7], images }]);
    const [prompt] = receiver.unpack(
      structuredClone(sent, { transfer: [...sent.fresh.values()].map(({ pixels }) => pixels.buffer as ArrayBuffer) }),
    );
    expect(prompt).toEqual({ ids: [7], images });
    return sent.fresh.size;
  };
  expect(send(one, two, one)).toBe(2);
  expect(send(two)).toBe(0);
  expect(send(one, two)).toBe(1);
  expect(send()).toBe(0);
  expect(send(one)).toBe(1);
  expect(one.pixels).toEqual(Float32Array.of(1));
});
