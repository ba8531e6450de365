import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEVICE } from "../../test/device.ts";
import { floats, toDevice } from "../torch/ops.ts";
import { type Tensor, tidy } from "../torch/tensor.ts";
import { stream } from "../util/random.ts";
import { type Choice, Chooser } from "./choose-token.ts";

const everything: Choice = { temperature: 1, topP: 1, topK: 0 };
// The id in the middle cannot be chosen, as a placeholder's cannot.
const PROBABILITIES = [0.07, 0.5, 0, 0.25, 0.03, 0.15];
const LOGITS = PROBABILITIES.map(Math.log);

/** The ids that rows choose. */
function choose(logits_BV: Tensor, choices: readonly Choice[], uniforms: readonly number[]): number[] {
  const chooser = new Chooser(choices, DEVICE);
  const there = (tensor: Tensor) => toDevice(tensor, DEVICE);
  const ids = chooser.choose(there(logits_BV), there(floats(uniforms, [uniforms.length, 1]))).toInts();
  chooser.dispose();
  return ids;
}

/** The ids that rows of equal logits choose. */
function draw(logits: readonly number[], choice: Choice, uniforms: readonly number[]): number[] {
  return tidy(() => {
    const table = Float32Array.from({ length: uniforms.length * logits.length }, (_, i) => logits[i % logits.length]!);
    const logits_BV = floats(table, [uniforms.length, logits.length]);
    const choices = uniforms.map(() => choice);
    return choose(logits_BV, choices, uniforms);
  });
}

/** Pearson's statistic of 20,000 draws against a distribution; ids that have no probability must not appear. */
function chiSquare(choice: Choice, distribution: readonly number[], seed = 1): number {
  const random = stream(seed, "choose");
  const n = 20_000;
  const counts = new Array<number>(distribution.length).fill(0);
  for (const id of draw(
    LOGITS,
    choice,
    Array.from({ length: n }, () => 1 - random.float()),
  ))
    counts[id]!++;
  return distribution.reduce((total, p, id) => {
    if (p === 0) expect(counts[id]).toBe(0);
    return p === 0 ? total : total + (counts[id]! - n * p) ** 2 / (n * p);
  }, 0);
}

const normalised = (weights: readonly number[]) => {
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / total);
};

describe("choose", () => {
  // With 4 degrees of freedom 23.5 is exceeded once in 10,000 times; the seed is fixed.
  it.each<[string, Partial<Choice>, number[]]>([
    ["the distribution itself", {}, PROBABILITIES],
    ["temperature 2", { temperature: 2 }, normalised(PROBABILITIES.map(Math.sqrt))],
    ["temperature 1/2", { temperature: 0.5 }, normalised(PROBABILITIES.map((p) => p * p))],
    ["the best 2", { topK: 2 }, [0, 2 / 3, 0, 1 / 3, 0, 0]],
    ["more than there are", { topK: 100 }, PROBABILITIES],
    ["0.7 of the mass", { topP: 0.7 }, [0, 2 / 3, 0, 1 / 3, 0, 0]],
    ["0.8 of the mass", { topP: 0.8 }, [0, 5 / 9, 0, 2.5 / 9, 0, 1.5 / 9]],
    ["0.8 of the mass of the best 3", { topK: 3, topP: 0.8 }, [0, 2 / 3, 0, 1 / 3, 0, 0]],
    ["the mass after the temperature", { temperature: 0.5, topP: 0.7 }, [0, 1, 0, 0, 0, 0]],
  ])("frequencies: %s", (_, restriction, distribution) => {
    expect(chiSquare({ ...everything, ...restriction }, distribution)).toBeLessThan(23.5);
  });

  it("the measure tells two distributions apart", () => {
    expect(chiSquare(everything, normalised(PROBABILITIES.map((p) => p ** 1.1)))).toBeGreaterThan(23.5);
  });

  it("the ends of the uniform numbers choose the first and the last id that can be chosen", () => {
    const masked = [Number.NEGATIVE_INFINITY, 0, 0, Number.NEGATIVE_INFINITY];
    expect(draw(masked, everything, [2 ** -32, 0.5, 1])).toEqual([1, 1, 2]);
  });

  it("greedy takes the best, and a tiny topP does too", () => {
    expect(draw(LOGITS, { ...everything, temperature: 0 }, [0.99])).toEqual([1]);
    expect(draw(LOGITS, { ...everything, topP: 1e-6 }, [0.01, 0.99])).toEqual([1, 1]);
  });

  it("property: a row chooses in its own way by its own logits and uniform number, as counted out by hand", () => {
    const row = fc.record({
      logits: fc.array(fc.integer({ min: -40, max: 40 }), { minLength: 6, maxLength: 6 }),
      uniform: fc.integer({ min: 1, max: 999 }),
      topK: fc.constantFrom(0, 0, 1, 3, 5),
      topP: fc.constantFrom(1, 1, 0.93, 0.61, 0.17),
    });
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 5 }), (rows) => {
        // Tenths, and ids apart by thousandths: no ties, and no sum falls on a bound.
        const logits = rows.map((r) => r.logits.map((value, id) => value / 10 + id / 1000));
        const uniforms = rows.map((r) => r.uniform / 1000 + 0.00013);
        const choices = rows.map(({ topK, topP }) => ({ temperature: 0.8, topK, topP }));
        const chosen = tidy(() => choose(floats(logits.flat(), [rows.length, 6]), choices, uniforms));
        expect(chosen).toEqual(logits.map((values, i) => byHand(values, choices[i]!, uniforms[i]!)));
      }),
      { numRuns: 100, seed: 5 },
    );
  });
});

describe("choose among a real model's vocabulary", () => {
  it.each([151_936, 151_674, 8192, 10_007])("of %i tokens, none of which without probability", (V) => {
    const random = stream(V, "many");
    // Nine in ten cannot be chosen; some stand out.
    const logits = Array.from({ length: V }, () =>
      random.float() < 0.9 ? Number.NEGATIVE_INFINITY : 12 * random.float() ** 4,
    );
    const sums = [0];
    for (const logit of logits) sums.push(sums.at(-1)! + Math.exp(logit));
    const uniforms = [2 ** -32, 1, ...Array.from({ length: 46 }, () => 1 - random.float())];
    for (const [i, id] of draw(logits, everything, uniforms).entries()) {
      expect(logits[id]).toBeGreaterThanOrEqual(0);
      const wanted = uniforms[i]! * sums[V]!;
      expect(sums[id]).toBeLessThan(wanted + 1e-5 * sums[V]!);
      expect(sums[id + 1]).toBeGreaterThan(wanted - 1e-5 * sums[V]!);
    }
  });

  it("chooses something where probabilities are no numbers", () => {
    const logits = new Array<number>(8192).fill(Number.NaN);
    expect(draw(logits, everything, [0.5])).toEqual([0]);
    expect(draw(logits.slice(0, 6), everything, [0.5])).toEqual([0]);
  });
});

/** The same choice for one row in double precision, temperature 0.8. */
function byHand(logits: readonly number[], { topK, topP }: Choice, uniform: number): number {
  const best = logits
    .map((value, id) => ({ id, weight: Math.exp(value / 0.8) }))
    .sort((a, b) => b.weight - a.weight)
    .slice(0, topK || undefined);
  const mass = best.reduce((total, { weight }) => total + weight, 0);
  let before = 0;
  const kept = best.filter(({ weight }) => {
    const stays = before < topP * mass;
    before += weight;
    return stays;
  });
  let left = uniform * kept.reduce((total, { weight }) => total + weight, 0);
  for (const { id, weight } of kept.sort((a, b) => a.id - b.id)) {
    left -= weight;
    if (left <= 0) return id;
  }
  throw new Error("The uniform number is beyond 1.");
}
