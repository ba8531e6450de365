import { afterEach, describe, expect, it, vi } from "vitest";
import { goldenNames, loadGolden } from "../../test/golden/golden.ts";
import {
  differing,
  GRPO,
  gradientOf,
  largestGap,
  promptOf,
  relativeDistance,
  STEP,
  scratchPlaces,
  stateOf,
  TINIES,
  toTrain,
  withTiny,
} from "../../test/tiny.ts";
import { readModel } from "../models/architectures.ts";
import type { GrpoLoss } from "../objective/loss.ts";
import { DeviceLedger } from "../torch/device-ledger.ts";
import type { EngineOptions, ScoreGroup, TrainGroup } from "./engine.ts";

const place = scratchPlaces();
afterEach(() => void vi.restoreAllMocks());

it.each(goldenNames())(
  "the gradient of supervised training on %s is the reference's, cut into micro-batches or not",
  async (name) => {
    for (const microBatchTokens of [1, 4096]) {
      await withTiny(name, { microBatchTokens }, (engine, _, golden) => {
        for (const recorded of golden.gradients) {
          const groups = recorded.prompts.map((wanted) => {
            const prompt = golden.prompts.find((each) => each.name === wanted)!;
            return { prompt: promptOf(prompt), items: [{ ids: prompt.completion_ids, advantage: 0 }] };
          });
          expect(engine.forwardBackward(groups, { kind: "nll" }).metrics.loss).toBeCloseTo(recorded.loss, 4);
          const gradient = gradientOf(engine, place());
          expect(gradient.size).toBe(Object.keys(recorded.parameters).length);
          for (const [stored, { norm, samples }] of Object.entries(recorded.parameters)) {
            const values = gradient.get(engine.model.canonicalName(stored))!;
            expect(Math.abs(Math.sqrt(values.reduce((a, b) => a + b * b, 0)) - norm), stored).toBeLessThan(
              1e-4 * norm + 1e-6,
            );
            for (const [k, sample] of samples.entries())
              expect(Math.abs(values[Math.floor((k * values.length) / 8)]! - sample), stored).toBeLessThan(
                1e-4 * norm + 1e-6,
              );
          }
        }
      });
    }
  },
);

describe.each(TINIES)("the gradient on %s", (name) => {
  /** Of a loss over groups, on a fresh engine. */
  const gradient = (options: EngineOptions, loss: GrpoLoss, change = (groups: TrainGroup[]) => groups) =>
    withTiny(name, options, (engine, groups) => {
      engine.forwardBackward(change(toTrain(groups)), loss);
      return gradientOf(engine, place());
    });

  it.each(["sequence", "token", "dr_grpo"] as const)(
    "%s: does not depend on micro-batches, on the order, or on whether layers are run again",
    async (normalize) => {
      const loss = { ...GRPO, normalize };
      const whole = await gradient({}, loss);
      expect(relativeDistance(await gradient({ microBatchTokens: 1 }, loss), whole)).toBeLessThan(1e-4);
      expect(relativeDistance(await gradient({ microBatchTokens: 170 }, loss), whole)).toBeLessThan(1e-4);
      expect(relativeDistance(await gradient({}, loss, (groups) => groups.toReversed()), whole)).toBeLessThan(1e-4);
      expect(relativeDistance(await gradient({ activationCheckpointing: true }, loss), whole)).toBeLessThan(1e-4);
    },
  );

  it("on-policy: is the advantages' sum of the completions' own gradients", () =>
    withTiny(name, {}, (engine, groups) => {
      const jobs = toTrain(groups);
      const items = jobs.flatMap(({ prompt, items }) => items.map((item) => ({ prompt, items: [item] })));
      const wanted = new Map<string, Float64Array>();
      for (const job of items) {
        engine.forwardBackward([job], { kind: "nll" });
        // The mean over a completion's tokens, and the mean over completions: equation 3 at ratio 1.
        const share = job.items[0]!.advantage / items.length;
        for (const [name, values] of gradientOf(engine, place())) {
          const sum = wanted.get(name) ?? new Float64Array(values.length);
          wanted.set(name, sum);
          for (let i = 0; i < values.length; i++) sum[i]! += share * values[i]!;
        }
      }
      engine.forwardBackward(jobs, GRPO);
      expect(relativeDistance(gradientOf(engine, place()), wanted)).toBeLessThan(1e-4);
    }));

  it("of the KL: with r the same for all tokens, β (1 − eʳ) times that of the log-probability", () =>
    withTiny(name, {}, (engine, groups) => {
      const [{ prompt, completions }] = groups as [ScoreGroup];
      const ids = completions[0]!;
      const [[own]] = engine.score("policy", [{ prompt, completions: [ids] }]) as [[number[]]];
      engine.forwardBackward([{ prompt, items: [{ ids, advantage: 0 }] }], { kind: "nll" });
      const nll = gradientOf(engine, place());
      const [r, beta] = [0.4, 0.3];
      const items = [{ ids, advantage: 0, referenceLogprobs: own.map((value) => value + r) }];
      const { metrics } = engine.forwardBackward([{ prompt, items }], { ...GRPO, beta });
      expect(metrics.kl).toBeCloseTo(Math.exp(r) - r - 1, 5);
      const factor = -beta * (1 - Math.exp(r));
      const wanted = new Map([...nll].map(([name, values]) => [name, values.map((value) => factor * value)]));
      expect(relativeDistance(gradientOf(engine, place()), wanted)).toBeLessThan(1e-4);
    }));

  it("that is not finite is left out, and leaves no trace", () =>
    withTiny(name, {}, (engine, groups) => {
      const jobs = toTrain(groups.slice(0, 2));
      engine.forwardBackward(jobs, GRPO);
      expect(engine.step(STEP)).toMatchObject({ skipped: false });
      const before = stateOf(engine, place());
      engine.forwardBackward(
        jobs.map(({ prompt, items }) => ({ prompt, items: items.map((item) => ({ ...item, advantage: Number.NaN })) })),
        GRPO,
      );
      expect(engine.step(STEP)).toMatchObject({
        gradNorm: Number.NaN,
        skipped: true,
        notFinite: ["loss", "gradient"],
      });
      expect(differing(stateOf(engine, place()), before)).toEqual([]);
      engine.forwardBackward(jobs, GRPO);
      expect(engine.step(STEP)).toMatchObject({ skipped: false });
      for (const values of stateOf(engine, place()).values()) expect(values.every(Number.isFinite)).toBe(true);
    }));

  it("is left out where its KL is not finite, though it is itself", () =>
    withTiny(name, {}, (engine, groups) => {
      const jobs = toTrain(groups.slice(0, 2));
      engine.forwardBackward(
        jobs.map(({ prompt, items }) => ({
          prompt,
          items: items.map((item) => ({ ...item, referenceLogprobs: item.ids.map(() => Number.NaN) })),
        })),
        GRPO,
      );
      const { gradNorm, ...rest } = engine.step(STEP);
      expect(gradNorm).toBeGreaterThan(0);
      expect(rest).toEqual({ skipped: true, notFinite: ["KL"], spoilt: undefined });
      engine.forwardBackward(jobs, GRPO);
      expect(engine.step(STEP)).toMatchObject({ skipped: false, notFinite: [], spoilt: undefined });
    }));

  it("may be so scaled that an update spoils a parameter, which is named", () =>
    withTiny(name, {}, (engine, groups) => {
      engine.forwardBackward(toTrain(groups.slice(0, 2)), GRPO);
      const { skipped, spoilt } = engine.step({ ...STEP, lr: 1e39 });
      expect(skipped).toBe(false);
      const values = stateOf(engine, place()).get(spoilt!)!;
      expect(values.some((value) => !Number.isFinite(value))).toBe(true);
    }));

  it("is clipped to the norm asked for, and wanted before a step", () =>
    withTiny(name, {}, (engine, groups) => {
      expect(() => engine.step(STEP)).toThrow("call forwardBackward first");
      engine.forwardBackward(toTrain(groups), GRPO);
      const { gradNorm } = engine.step({ ...STEP, lr: 0, betas: [0, 0], clipNorm: 0.01 });
      expect(gradNorm).toBeGreaterThan(0.1);
      const kept = [...stateOf(engine, place())].filter(([name]) => name.endsWith(".mean"));
      const squares = kept.flatMap(([, values]) => Array.from(values, (value) => value * value));
      expect(Math.sqrt(squares.reduce((a, b) => a + b, 0))).toBeCloseTo(0.01, 5);
    }));
});

describe.each(TINIES)("in chunks of 7 tokens' logits, on %s", (name) => {
  /** All log-probabilities, the whole gradient and the metrics of the fullest loss there is, in however many chunks. */
  const measured = (options: EngineOptions) =>
    withTiny(name, { reference: true, ...options }, (engine, groups) => {
      const chunks = vi.spyOn(engine.model, "logits");
      const scored = engine.score("policy", groups);
      const tokens = groups.flatMap(({ completions }) => completions).reduce((sum, { length }) => sum + length, 0);
      const items = toTrain(groups).map(({ prompt, items }, g) => ({
        prompt,
        items: items.map((item, k) => ({
          ...item,
          oldLogprobs: scored[g]![k]!.map((value, t) => value + 0.1 * ((t % 3) - 1)),
          referenceLogprobs: scored[g]![k]!.map((value, t) => value - 0.1 * (t % 4)),
        })),
      }));
      const { logprobs, metrics } = engine.forwardBackward(items, { ...GRPO, form: "clipped", beta: 0.3 });
      return {
        scored,
        logprobs,
        metrics,
        gradient: gradientOf(engine, place()),
        chunks: chunks.mock.calls.length,
        tokens,
      };
    });

  it("each micro-batch is read from the device once, in however many chunks", () =>
    withTiny(name, { microBatchTokens: 1, logitChunk: 1 }, (engine, groups) => {
      using ledger = new DeviceLedger();
      engine.score("policy", groups);
      engine.forwardBackward(toTrain(groups), GRPO);
      expect(ledger.reads).toBe(2 * groups.length);
    }));

  it("log-probabilities, metrics and the whole gradient are those of one chunk", async () => {
    const vocabulary = readModel(loadGolden(name).dir).shape.vocabulary;
    const whole = await measured({});
    const cut = await measured({ logitChunk: 7 * vocabulary + 6 });
    expect(whole.chunks).toBe(2);
    expect(cut.chunks).toBe(2 * Math.ceil(whole.tokens / 7));
    expect(largestGap(cut.scored, whole.scored)).toBeLessThan(1e-5);
    expect(largestGap(cut.logprobs, whole.logprobs)).toBeLessThan(1e-5);
    for (const [key, value] of Object.entries(whole.metrics))
      expect(cut.metrics[key as keyof typeof whole.metrics], key).toBeCloseTo(value, 4);
    expect(relativeDistance(cut.gradient, whole.gradient)).toBeLessThan(1e-5);
  });
});

describe("the loss over a batch", () => {
  const losses = (["on_policy", "clipped"] as const).flatMap((form) =>
    (["sequence", "token", "dr_grpo"] as const).map((normalize) => ({ ...GRPO, form, normalize, beta: 0.2 })),
  );

  it.each(losses)("$form, $normalize: the number that the definition gives", (loss) =>
    withTiny("tied", { microBatchTokens: 150 }, (engine, groups) => {
      const scored = engine.score("policy", groups);
      const shift = (values: readonly number[], step: number) => values.map((v, t) => v + step * (((t * 7) % 5) - 2));
      const jobs = toTrain(groups).map(({ prompt, items }, g) => ({
        prompt,
        items: items.map((item, k) => ({
          ...item,
          oldLogprobs: shift(scored[g]![k]!, 0.2),
          referenceLogprobs: shift(scored[g]![k]!, -0.3),
        })),
      }));
      const { metrics, logprobs } = engine.forwardBackward(jobs, loss);
      const sequences = jobs.flatMap(({ items }, g) =>
        items.map((item, k) =>
          logprobs[g]![k]!.map((logprob, t) => {
            const ratio = loss.form === "clipped" ? Math.exp(logprob - item.oldLogprobs[t]!) : 1;
            const gain = Math.min(ratio * item.advantage, Math.min(Math.max(ratio, 0.8), 1.28) * item.advantage);
            const r = item.referenceLogprobs[t]! - logprob;
            const kl = Math.exp(r) - r - 1;
            return { loss: -gain + 0.2 * kl, kl, clipped: gain < ratio * item.advantage };
          }),
        ),
      );
      const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
      const tokens = sequences.flat();
      const sums = sequences.map((sequence) => sum(sequence.map((token) => token.loss)));
      const wanted = {
        sequence: sum(sums.map((total, i) => total / sequences[i]!.length)) / sequences.length,
        token: sum(sums) / tokens.length,
        dr_grpo: sum(sums) / (24 * sequences.length),
      };
      expect(metrics.loss).toBeCloseTo(wanted[loss.normalize], 4);
      expect(metrics.kl).toBeCloseTo(sum(tokens.map(({ kl }) => kl)) / tokens.length, 4);
      expect(metrics.tokens).toBe(tokens.length);
      const clipped = tokens.filter((token) => token.clipped).length / tokens.length;
      expect(metrics.clipFraction).toBeCloseTo(clipped, 6);
      if (loss.form === "clipped") expect(clipped).toBeGreaterThan(0.1);
      expect(metrics.entropy).toBeGreaterThan(0);
      expect(metrics.entropy).toBeLessThan(Math.log(engine.model.shape.vocabulary));
    }),
  );
});
