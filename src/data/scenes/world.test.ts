import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stream } from "../../util/random.ts";
import { matching } from "./describe.ts";
import { countingScene, lookAlike, pretrainScene, randomKind, type Scene, sameKind, sumScene } from "./world.ts";

const seeds = fc.integer({ min: 0, max: 2 ** 31 });

function expectSound(scene: Scene): void {
  for (const { box } of scene.objects) {
    const side = box.x2 - box.x1;
    expect([box.x1, box.y1, box.x2, box.y2].every(Number.isInteger)).toBe(true);
    expect(box.y2 - box.y1).toBe(side);
    expect(side).toBeGreaterThanOrEqual(20);
    expect(side).toBeLessThanOrEqual(36);
    expect(Math.min(box.x1, box.y1, scene.width - box.x2, scene.height - box.y2)).toBeGreaterThanOrEqual(0);
  }
  for (const [i, { box: a }] of scene.objects.entries()) {
    for (const { box: b } of scene.objects.slice(0, i)) {
      const gap = Math.max(a.x1 - b.x2, b.x1 - a.x2, a.y1 - b.y2, b.y1 - a.y2);
      expect(gap).toBeGreaterThanOrEqual(3);
    }
  }
}

describe("scenes", () => {
  it("have 3 to 12 objects in square boxes that keep their distance", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const scene = pretrainScene(stream(seed, "test"));
        expect(scene.objects.length).toBeGreaterThanOrEqual(3);
        expect(scene.objects.length).toBeLessThanOrEqual(12);
        expectSound(scene);
      }),
    );
  });

  it("hold exactly as many objects of a kind as asked for", () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 4 }), (seed, many, few) => {
        const random = stream(seed, "test");
        const kind = randomKind(random);
        expect(matching(countingScene(random, kind, many), kind)).toHaveLength(many);
        const other = lookAlike(random, kind);
        const scene = sumScene(random, [kind, other], [few, 4 - few]);
        expect(matching(scene, kind)).toHaveLength(few);
        expect(matching(scene, other)).toHaveLength(4 - few);
      }),
    );
  });

  it("are the same for the same stream and different for different ones", () => {
    const scene = (index: number) => pretrainScene(stream(1, "scenes", "pretrain", index));
    expect(scene(0)).toEqual(scene(0));
    expect(scene(0)).not.toEqual(scene(1));
  });

  it("are full of look-alikes", () => {
    let tempted = 0;
    let objects = 0;
    for (let i = 0; i < 200; i++) {
      const scene = pretrainScene(stream(2, "test", i));
      for (const object of scene.objects) {
        objects++;
        if (scene.objects.some((o) => !sameKind(o, object) && (o.color === object.color || o.shape === object.shape)))
          tempted++;
      }
    }
    expect(tempted / objects).toBeGreaterThan(0.85);
  });
});
