import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { area, box, boxF1, iou, matchCount, toSpace, unionArea, unionIoU } from "./boxes.ts";
import type { Box, Frame } from "./records.ts";

const frame: Frame = { imageWidth: 640, imageHeight: 480, frameWidth: 504, frameHeight: 364 };

/** Integer boxes on a small grid, some of them degenerate. */
const corner = fc.integer({ min: 0, max: 12 });
const gridBox = fc.tuple(corner, corner, corner, corner).map(([a, b, c, d]) => box("image", a, b, c, d));
const boxes = fc.array(gridBox, { maxLength: 6 });

/** Unit cells a set of integer boxes covers, by counting. */
function cells(set: readonly Box[]): Set<string> {
  const covered = new Set<string>();
  for (const b of set) {
    for (let x = b.x1; x < b.x2; x++) for (let y = b.y1; y < b.y2; y++) covered.add(`${x} ${y}`);
  }
  return covered;
}

describe("toSpace", () => {
  it("scales by the recorded resize", () => {
    expect(toSpace(box("frame", 0, 182, 252, 364), "image", frame)).toEqual(box("image", 0, 240, 320, 480));
    expect(toSpace(box("permille", 0, 500, 1000, 1000), "image", frame)).toEqual(box("image", 0, 240, 640, 480));
    expect(toSpace(box("image", 64, 48, 640, 480), "permille", frame)).toEqual(box("permille", 100, 100, 1000, 1000));
  });

  it("comes back to where it started", () => {
    const spaces = fc.constantFrom("image", "frame", "permille");
    fc.assert(
      fc.property(spaces, spaces, boxes, (from, to, set) => {
        for (const { x1, y1, x2, y2 } of set) {
          const back = toSpace(toSpace(box(from, x1, y1, x2, y2), to, frame), from, frame);
          expect(back.space).toBe(from);
          expect([back.x1, back.y1, back.x2, back.y2].every((v, i) => Math.abs(v - [x1, y1, x2, y2][i]!) < 1e-9)).toBe(
            true,
          );
        }
      }),
    );
  });
});

describe("unionArea", () => {
  it("counts each covered cell once", () => {
    fc.assert(
      fc.property(boxes, (set) => {
        expect(unionArea(set)).toBe(cells(set).size);
      }),
    );
  });
});

describe("unionIoU", () => {
  it("agrees with counting cells", () => {
    fc.assert(
      fc.property(boxes, boxes, (pred, truth) => {
        const p = cells(pred);
        const t = cells(truth);
        const common = [...p].filter((cell) => t.has(cell)).length;
        const either = new Set([...p, ...t]).size;
        expect(unionIoU(pred, truth)).toBeCloseTo(either === 0 ? 0 : common / either, 12);
      }),
    );
  });

  it("is symmetric, bounded, and blind to scale, order and repetition", () => {
    const scaled = (set: readonly Box<"image">[]) =>
      set.map((b) => box("image", b.x1 * 3.7, b.y1 * 0.31, b.x2 * 3.7, b.y2 * 0.31));
    fc.assert(
      fc.property(boxes, boxes, (pred, truth) => {
        const value = unionIoU(pred, truth);
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThanOrEqual(1);
        expect(unionIoU(truth, pred)).toBe(value);
        expect(unionIoU([...pred, ...pred].reverse(), truth)).toBe(value);
        expect(unionIoU(scaled(pred), scaled(truth))).toBeCloseTo(value, 9);
      }),
    );
  });

  it("is 1 for equal sets and the plain IoU for single boxes", () => {
    fc.assert(
      fc.property(gridBox, gridBox, (a, b) => {
        expect(unionIoU([a], [a])).toBe(area(a) > 0 ? 1 : 0);
        expect(unionIoU([a], [b])).toBeCloseTo(iou(a, b), 12);
      }),
    );
  });
});

describe("boxF1", () => {
  const at = (x: number) => box("image", x, 0, x + 10, 10);

  it("finds the matching a greedy pass misses", () => {
    // The first prediction overlaps both truths, best the one that alone serves the second prediction.
    const pred = [at(2), at(0)];
    const truth = [at(1), at(4)];
    expect(iou(pred[0]!, truth[0]!)).toBeGreaterThan(iou(pred[0]!, truth[1]!));
    expect(matchCount(pred, truth, 0.5)).toBe(2);
    expect(boxF1(pred, truth, 0.5)).toBe(1);
  });

  it("counts extra and missing boxes, and agrees on emptiness", () => {
    expect(boxF1([at(0), at(0)], [at(0)], 0.5)).toBeCloseTo(2 / 3, 12);
    expect(boxF1([], [at(0)], 0.5)).toBe(0);
    expect(boxF1([at(0)], [], 0.5)).toBe(0);
    expect(boxF1([], [], 0.5)).toBe(1);
  });

  it("is symmetric and the largest over all assignments", () => {
    const best = (pred: readonly Box[], truth: readonly Box[]): number =>
      pred.length === 0
        ? 0
        : Math.max(
            best(pred.slice(1), truth),
            ...truth.map((t, j) => (iou(pred[0]!, t) >= 0.3 ? 1 + best(pred.slice(1), truth.toSpliced(j, 1)) : 0)),
          );
    const few = fc.array(gridBox, { maxLength: 4 });
    fc.assert(
      fc.property(few, few, (pred, truth) => {
        expect(matchCount(pred, truth, 0.3)).toBe(best(pred, truth));
        expect(boxF1(pred, truth, 0.3)).toBe(boxF1(truth, pred, 0.3));
      }),
    );
  });
});
