import fc from "fast-check";
import { describe, expect, it } from "vitest";
import golden from "../../test/golden/images/resize.json" with { type: "json" };
import { sha256 } from "./image.ts";
import { type RgbImage, resizeBicubic } from "./resize.ts";

/** The pattern that the golden script hashes: byte i is (i * 131 + floor(i / 7) * 29 + i * i) mod 256. */
function pattern(width: number, height: number): RgbImage {
  const rgb = Uint8Array.from(
    { length: width * height * 3 },
    (_, i) => (i * 131 + Math.floor(i / 7) * 29 + i * i) % 256,
  );
  return { width, height, rgb };
}

describe("resizeBicubic", () => {
  it.each(golden)("equals Pillow byte for byte: $from to $to", ({ from, to, sha256: expected }) => {
    const resized = resizeBicubic(pattern(from[0]!, from[1]!), to[0]!, to[1]!);
    expect([resized.width, resized.height, resized.rgb.length]).toEqual([to[0], to[1], to[0]! * to[1]! * 3]);
    expect(sha256(resized.rgb)).toBe(expected);
  });

  const side = fc.integer({ min: 1, max: 40 });

  it("leaves an image of the same size alone", () => {
    fc.assert(
      fc.property(side, side, (width, height) => {
        const image = pattern(width, height);
        expect(resizeBicubic(image, width, height).rgb).toEqual(image.rgb);
      }),
    );
  });

  it("keeps a plain colour plain at any size", () => {
    fc.assert(
      fc.property(
        side,
        side,
        side,
        side,
        fc.integer({ min: 0, max: 255 }),
        (width, height, toWidth, toHeight, value) => {
          const image = { width, height, rgb: new Uint8Array(width * height * 3).fill(value) };
          const { rgb } = resizeBicubic(image, toWidth, toHeight);
          expect(rgb.every((byte) => byte === value)).toBe(true);
        },
      ),
    );
  });

  it("commutes with turning the image by half a turn", () => {
    const turn = ({ width, height, rgb }: RgbImage): RgbImage => {
      const out = new Uint8Array(rgb.length);
      for (let i = 0; i < rgb.length; i += 3) out.set(rgb.subarray(i, i + 3), rgb.length - 3 - i);
      return { width, height, rgb: out };
    };
    // Whole ratios only: at others the window of weights may round to one side.
    const image = pattern(12, 8);
    expect(resizeBicubic(turn(image), 24, 4).rgb).toEqual(turn(resizeBicubic(image, 24, 4)).rgb);
  });
});
