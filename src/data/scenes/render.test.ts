import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { stream } from "../../util/random.ts";
import { renderScene, toPng } from "./render.ts";
import { COLORS, pretrainScene, type Scene, SHAPES } from "./world.ts";

/** The box around all pixels that drawing the objects changes, or undefined if none changes. */
function drawnBox(scene: Scene): [number, number, number, number] | undefined {
  const [ground, drawn] = [renderScene({ ...scene, objects: [] }).rgb, renderScene(scene).rgb];
  let [x1, y1, x2, y2] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, -1, -1];
  for (let i = 0; i < drawn.length; i += 3) {
    const difference = [0, 1, 2].reduce((sum, c) => sum + Math.abs(drawn[i + c]! - ground[i + c]!), 0);
    if (difference === 0) continue;
    const [x, y] = [(i / 3) % scene.width, Math.floor(i / 3 / scene.width)];
    [x1, y1, x2, y2] = [Math.min(x1, x), Math.min(y1, y), Math.max(x2, x + 1), Math.max(y2, y + 1)];
  }
  return x2 < 0 ? undefined : [x1, y1, x2, y2];
}

describe("rendering", () => {
  it("fills every object's box from edge to edge and nothing outside it", () => {
    for (const [i, shape] of SHAPES.entries()) {
      for (const [j, color] of COLORS.entries()) {
        for (const seed of [i * 6 + j, 1000 + i * 6 + j]) {
          const side = 20 + (seed % 17);
          const box = { space: "image", x1: 7 + i, y1: 9 + j, x2: 7 + i + side, y2: 9 + j + side } as const;
          const scene = { width: 64, height: 60, seed, objects: [{ color, shape, box }] };
          expect(drawnBox(scene), `${color} ${shape} of ${side}`).toEqual([box.x1, box.y1, box.x2, box.y2]);
        }
      }
    }
  });

  it("shows each colour's own hue in the middle of the object, on light and dark grounds", () => {
    const means = new Map<string, number[]>();
    for (const color of COLORS) {
      for (let seed = 0; seed < 8; seed++) {
        const box = { space: "image", x1: 10, y1: 10, x2: 40, y2: 40 } as const;
        const { rgb, width } = renderScene({ width: 50, height: 50, seed, objects: [{ color, shape: "cross", box }] });
        const at = 3 * (25 * width + 25);
        const pixel = [rgb[at]!, rgb[at + 1]!, rgb[at + 2]!];
        means.set(`${color} ${seed}`, pixel);
      }
    }
    const entries = [...means].map(([name, pixel]) => ({ color: name.split(" ")[0]!, pixel }));
    for (const a of entries) {
      for (const b of entries) {
        const distance = Math.hypot(...a.pixel.map((value, c) => value - b.pixel[c]!));
        if (a.color === b.color) expect(distance).toBeLessThan(40);
        else expect(distance).toBeGreaterThan(50);
      }
    }
  });

  it("is a function of the scene", () => {
    const scene = pretrainScene(stream(3, "test"));
    expect(renderScene(scene).rgb).toEqual(renderScene(scene).rgb);
    expect(renderScene({ ...scene, seed: scene.seed ^ 1 }).rgb).not.toEqual(renderScene(scene).rgb);
  });

  it("survives the way to PNG and back", async () => {
    const raster = renderScene(pretrainScene(stream(4, "test")));
    const { data, info } = await sharp(await toPng(raster))
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect(info).toMatchObject({ width: raster.width, height: raster.height, channels: 3 });
    expect(new Uint8Array(data)).toEqual(raster.rgb);
  });
});
