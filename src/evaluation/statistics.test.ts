import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stream } from "../util/random.ts";
import { bootstrapMean, pairedGain, signFlipP } from "./statistics.ts";

const coins = (n: number, ones: number) => Array.from({ length: n }, (_, i) => (i < ones ? 1 : 0));

describe("bootstrapMean", () => {
  it("agrees with the binomial's normal interval", () => {
    const { mean, low, high, n } = bootstrapMean(coins(400, 100));
    const half = 1.96 * Math.sqrt((0.25 * 0.75) / 400);
    expect([mean, n]).toEqual([0.25, 400]);
    expect(low).toBeCloseTo(0.25 - half, 2);
    expect(high).toBeCloseTo(0.25 + half, 2);
  });

  it("covers the true mean about as often as it says: 95 % of 1,000 draws", () => {
    const random = stream(5, "coverage");
    let covered = 0;
    for (let trial = 0; trial < 1000; trial++) {
      const values = Array.from({ length: 60 }, () => Number(random.chance(0.7)));
      const { low, high } = bootstrapMean(values, { seed: trial, resamples: 400 });
      if (low <= 0.7 && 0.7 <= high) covered++;
    }
    expect(covered / 1000).toBeGreaterThanOrEqual(0.93);
    expect(covered / 1000).toBeLessThanOrEqual(0.98);
  });

  it("repeats itself, and holds the mean", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 20 }), (values) => {
        const interval = bootstrapMean(values, { resamples: 200 });
        expect(bootstrapMean(values, { resamples: 200 })).toEqual(interval);
        expect(interval.low).toBeLessThanOrEqual(interval.high);
        expect(interval.low).toBeGreaterThanOrEqual(Math.min(...values) - 1e-12);
        expect(interval.high).toBeLessThanOrEqual(Math.max(...values) + 1e-12);
      }),
      { numRuns: 30 },
    );
    expect(bootstrapMean([0.7, 0.7, 0.7])).toMatchObject({
      low: expect.closeTo(0.7, 12),
      high: expect.closeTo(0.7, 12),
    });
    expect(() => bootstrapMean([])).toThrow("no values");
  });

  it("takes ten thousand resamples of 500 values in well under a second", () => {
    const start = performance.now();
    bootstrapMean(coins(500, 250));
    expect(performance.now() - start).toBeLessThan(1000);
  });
});

describe("signFlipP", () => {
  it.each([
    [[], 1],
    [[0, 0, 0], 1],
    [[1], 1],
    [[1, 1, 1, 1, 1], 2 / 32],
    [[1, 1, 1, 1, -1], 12 / 32],
    [[3, 1, 1], 1 / 4],
    [[0.1, 0.2, -0.3], 1],
  ])("of %j is %d", (differences, p) => expect(signFlipP(differences)).toBeCloseTo(p, 12));

  it("by random flips comes near the exact binomial", () => {
    // 15 of 20 coins: P(|heads - 10| >= 5) = 0.0414 for a fair coin.
    expect(signFlipP([...Array(15).fill(1), ...Array(5).fill(-1)])).toBeCloseTo(0.0414, 2);
    expect(signFlipP(Array(200).fill(1))).toBeCloseTo(1 / 10_001, 12);
  });
});

describe("pairedGain", () => {
  it("uses the pairing, which makes small steady gains visible", () => {
    const random = stream(1, "gain");
    const before = Array.from({ length: 100 }, () => random.float());
    const after = before.map((value) => value + 0.02 + 0.02 * random.float());
    const { gain, low, high, p, n } = pairedGain(before, after);
    expect(gain).toBeCloseTo(0.03, 2);
    expect(low).toBeGreaterThan(0.028);
    expect(high).toBeLessThan(0.032);
    expect(p).toBeLessThan(0.001);
    expect(n).toBe(100);
  });

  it("finds nothing where nothing changed, and refuses lists that do not pair", () => {
    expect(pairedGain(coins(50, 20), coins(50, 20))).toMatchObject({ gain: 0, low: 0, high: 0, p: 1 });
    expect(() => pairedGain([1, 2], [1])).toThrow("2 values before, 1 after");
  });
});
