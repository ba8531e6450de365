import { describe, expect, it } from "vitest";
import { type Random, stream } from "../util/random.ts";
import { bootstrapSeeds } from "./over-seeds.ts";
import { bootstrapMean } from "./statistics.ts";

const coins = (n: number, ones: number) => Array.from({ length: n }, (_, i) => (i < ones ? 1 : 0));

describe("bootstrapSeeds", () => {
  const constant = (value: number) => Array<number>(20).fill(value);

  it("knows what can be counted by hand: seeds that differ, samples that do not", () => {
    // Of two seeds Student's factor is so large that only the values bound the interval.
    expect(bootstrapSeeds([constant(0), constant(0.5)])).toEqual({ mean: 0.25, low: 0, high: 0.5, n: 20 });
    expect(bootstrapSeeds([0.25, 0.5, 0.75].map(constant))).toMatchObject({ mean: 0.5, low: 0.25, high: 0.75 });
    // Student's own interval of these five is 0.5 ± 2.776 · 0.3953 / √5 = 0.5 ± 0.491.
    const { low, high } = bootstrapSeeds([0, 0.25, 0.5, 0.75, 1].map(constant));
    expect([low, high]).toEqual([expect.closeTo(0.01, 1), expect.closeTo(0.99, 1)]);
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
    expect(bootstrapSeeds([constant(0), coins(20, 10)])).toMatchObject({ mean: 0.25, low: 0, high: 1 });
  });

  // Answers right or wrong with a chance of 0.5, by the sample up to 0.4 more or less, and as much as `apart` by the seed.
  it.each([
    [3, 0],
    [3, 0.03],
    [3, 0.12],
    [5, 0.12],
  ])("covers the true mean about as often as it says: of 1,000 draws of %d seeds that differ by %d", (count, apart) => {
    const random = stream(6, "coverage", count, apart);
    let covered = 0;
    for (let trial = 0; trial < 1000; trial++) {
      const easy = Array.from({ length: 60 }, () => 0.4 * (random.chance(0.5) ? 1 : -1));
      const seeds = Array.from({ length: count }, () => {
        const own = apart * normal(random);
        return easy.map((by) => Number(random.chance(0.5 + by + own)));
      });
      const { low, high } = bootstrapSeeds(seeds, { seed: trial, resamples: 300 });
      if (low <= 0.5 && 0.5 <= high) covered++;
    }
    expect(covered / 1000).toBeGreaterThanOrEqual(0.93);
    expect(covered / 1000).toBeLessThanOrEqual(0.995);
  });

  it("repeats itself, and refuses seeds that were not asked the same", () => {
    const seeds = [coins(30, 10), coins(30, 20), coins(30, 12)];
    expect(bootstrapSeeds(seeds)).toEqual(bootstrapSeeds(seeds));
    expect(bootstrapSeeds(seeds, { seed: 1, resamples: 50 })).not.toEqual(bootstrapSeeds(seeds, { resamples: 50 }));
    expect(() => bootstrapSeeds([])).toThrow("no values");
    expect(() => bootstrapSeeds([[1, 0], [1]])).toThrow("2 samples in one seed, 1 in another");
  });
});

/** A normally distributed number (Box and Muller, 1958). */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.float())) * Math.cos(2 * Math.PI * random.float());
}
