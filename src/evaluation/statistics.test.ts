import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stream } from "../util/random.ts";
import { bootstrapMean, bootstrapSeeds, pairedGain, signFlipP } from "./statistics.ts";

const coins = (n: number, ones: number) => Array.from({ length: n }, (_, i) => (i < ones ? 1 : 0));

describe("bootstrapMean", () => {
  it("agrees with the binomial's normal interval", () => {
    const { mean, low, high, n } = bootstrapMean(coins(400, 100));
    const half = 1.96 * Math.sqrt((0.25 * 0.75) / 400);
    expect([mean, n]).toEqual([0.25, 400]);
    expect(low).toBeCloseTo(0.25 - half, 2);
    expect(high).toBeCloseTo(0.25 + half, 2);
  });

  it("covers the true mean about as often as it says", () => {
    const random = stream(5, "coverage");
    let covered = 0;
    for (let trial = 0; trial < 300; trial++) {
      const values = Array.from({ length: 50 }, () => random.float());
      const { low, high } = bootstrapMean(values, { seed: trial, resamples: 400 });
      if (low <= 0.5 && 0.5 <= high) covered++;
    }
    expect(covered / 300).toBeGreaterThan(0.9);
    expect(covered / 300).toBeLessThan(0.98);
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

describe("bootstrapSeeds", () => {
  const constant = (value: number) => Array<number>(20).fill(value);

  it("knows what can be counted by hand: seeds that differ, samples that do not", () => {
    // Two seeds are drawn as 00, 01, 10, 11: a quarter of the resamples at either end.
    expect(bootstrapSeeds([constant(0), constant(0.5)])).toEqual({ mean: 0.25, low: 0, high: 0.5, n: 20 });
    // All three alike in 1 of 27 resamples, which is more than 2.5 %; all five in 1 of 3125, which is less.
    expect(bootstrapSeeds([0.25, 0.5, 0.75].map(constant))).toMatchObject({ mean: 0.5, low: 0.25, high: 0.75 });
    const { low, high } = bootstrapSeeds([0, 0.25, 0.5, 0.75, 1].map(constant));
    expect([low, high]).toEqual([expect.closeTo(0.2, 1), expect.closeTo(0.8, 1)]);
    expect(bootstrapSeeds([constant(0.7), constant(0.7), constant(0.7)])).toMatchObject({
      low: expect.closeTo(0.7, 12),
      high: expect.closeTo(0.7, 12),
    });
  });

  it("is the interval of the samples alone where seeds agree", () => {
    const values = coins(400, 100);
    const [one, three] = [bootstrapMean(values), bootstrapSeeds([values, values, values])];
    expect(three.mean).toBe(0.25);
    expect([three.low, three.high]).toEqual([expect.closeTo(one.low, 2), expect.closeTo(one.high, 2)]);
  });

  it("stays within what a value can be, where Student's interval of two seeds went to −292 and 343 %", () => {
    const { mean, low, high } = bootstrapSeeds([constant(0), coins(20, 10)]);
    expect(mean).toBe(0.25);
    expect(low).toBe(0);
    expect(high).toBeLessThanOrEqual(0.75);
  });

  it("covers the true mean about as often as it says", () => {
    const random = stream(6, "seeds");
    const noise = () => random.float() - 0.5;
    let covered = 0;
    for (let trial = 0; trial < 200; trial++) {
      const samples = Array.from({ length: 40 }, noise);
      const seeds = Array.from({ length: 5 }, () => {
        const own = 0.3 * noise();
        return samples.map((sample) => own + sample + noise());
      });
      const { low, high } = bootstrapSeeds(seeds, { seed: trial, resamples: 300 });
      if (low <= 0 && 0 <= high) covered++;
    }
    expect(covered / 200).toBeGreaterThan(0.9);
    expect(covered / 200).toBeLessThan(0.995);
  });

  it("repeats itself, and refuses seeds that were not asked the same", () => {
    const seeds = [coins(30, 10), coins(30, 20), coins(30, 12)];
    expect(bootstrapSeeds(seeds)).toEqual(bootstrapSeeds(seeds));
    expect(bootstrapSeeds(seeds, { seed: 1, resamples: 50 })).not.toEqual(bootstrapSeeds(seeds, { resamples: 50 }));
    expect(() => bootstrapSeeds([])).toThrow("no values");
    expect(() => bootstrapSeeds([[1, 0], [1]])).toThrow("2 samples in one seed, 1 in another");
  });
});
