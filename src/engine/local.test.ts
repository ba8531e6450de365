import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { type Golden, goldenNames, loadGolden } from "../../test/golden/golden.ts";
import {
  differing,
  gradientOf,
  largestGap,
  openTiny,
  promptOf,
  relativeDistance,
  scratchPlaces,
  stateOf,
  tensorsIn,
} from "../../test/tiny.ts";
import { SafetensorsFile, writeSafetensors } from "../checkpoint/safetensors.ts";
import { UserError } from "../errors.ts";
import { mean } from "../eval/statistics.ts";
import type { GrpoLoss } from "../loss.ts";
import { type Part, parts } from "../models/model.ts";
import { readModel } from "../models/registry.ts";
import { native } from "../torch/native.ts";
import { liveTensors } from "../torch/tensor.ts";
import type { ScoreGroup, TrainGroup } from "./engine.ts";
import { LocalEngine, type LocalOptions } from "./local.ts";

const place = scratchPlaces();

const STEP = { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, clipNorm: 1 } as const;
const grpo: GrpoLoss = {
  kind: "grpo",
  form: "on_policy",
  epsilonLow: 0.2,
  epsilonHigh: 0.28,
  beta: 0,
  normalize: "sequence",
  maxTokens: 24,
};

/** An engine that is freed when `use` returns, with the recorded prompts, each with two completions. */
async function withTiny<T>(
  name: string,
  options: LocalOptions,
  use: (engine: LocalEngine, groups: ScoreGroup[], golden: Golden) => T | Promise<T>,
): Promise<T> {
  const { engine, golden } = openTiny(name, options);
  try {
    const groups = golden.prompts.map((prompt, i) => ({
      prompt: promptOf(prompt),
      completions: [prompt.completion_ids.slice(0, 9 + i), prompt.greedy_ids.slice(i)],
    }));
    return await use(engine, groups, golden);
  } finally {
    engine.dispose();
  }
}

/** The groups with advantages of both signs. */
const toTrain = (groups: readonly ScoreGroup[]): TrainGroup[] =>
  groups.map(({ prompt, completions }, g) => ({
    prompt,
    items: completions.map((ids, k) => ({ ids, advantage: (k === 0 ? 1 : -0.6) * (1 + 0.3 * g) })),
  }));

/** One small checkpoint of each family. */
const tinies = ["qwen2_5_vl/tied", "internvl/tied"];

describe.each(goldenNames())("on %s", (name) => {
  it("sampling, scoring and training see the same log-probabilities", () =>
    withTiny(name, { reference: true }, async (engine, groups) => {
      const prompts = groups.map(({ prompt }) => prompt);
      const completions = await engine.sample(prompts, { n: 2, maxTokens: 12, temperature: 1, seed: 3 });
      const sampled = completions.map((group) => group.map(({ logprobs }) => logprobs));
      const asked = prompts.map((prompt, g) => ({ prompt, completions: completions[g]!.map(({ ids }) => ids) }));
      const items = prompts.map((prompt, g) => ({
        prompt,
        items: completions[g]!.map(({ ids, logprobs }) => ({ ids, advantage: 1, oldLogprobs: logprobs })),
      }));
      const trained = engine.forwardBackward(items, grpo);
      expect(largestGap(engine.score("policy", asked), sampled)).toBeLessThan(1e-4);
      expect(largestGap(engine.score("reference", asked), sampled)).toBeLessThan(1e-4);
      expect(largestGap(trained.logprobs, sampled)).toBeLessThan(1e-4);
      expect(trained.metrics.mismatchMax).toBeCloseTo(largestGap(trained.logprobs, sampled), 6);
      expect(trained.metrics.mismatchMean).toBeLessThanOrEqual(trained.metrics.mismatchMax);
      expect(trained.metrics.tokens).toBe(sampled.flat(2).length);
    }));

  it("the gradient of supervised training is the reference's, cut into micro-batches or not", async () => {
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
  });

  it("an untouched checkpoint is exported as it came, every tensor and file byte for byte", () =>
    withTiny(name, {}, (engine, _, { dir: from }) => {
      const to = place();
      engine.export(to);
      expect(readdirSync(to).sort()).toEqual(readdirSync(from).sort());
      for (const file of readdirSync(from)) {
        const [was, is] = [join(from, file), join(to, file)];
        if (file.endsWith(".safetensors")) expect(differing(tensorsIn(is), tensorsIn(was)), file).toEqual([]);
        else expect(readFileSync(is).equals(readFileSync(was)), file).toBe(true);
      }
    }));
});

it("an export carries no weights but its own: others would be the old ones", () => {
  const [from, to] = [place(), place()];
  const { dir: golden } = loadGolden("tied");
  cpSync(golden, from, { recursive: true });
  for (const name of ["pytorch_model.bin", "pytorch_model.bin.index.json", "optimizer.pt"])
    writeFileSync(join(from, name), "");
  const engine = new LocalEngine(from, { device: "cpu" });
  engine.export(to);
  engine.dispose();
  expect(readdirSync(to).sort()).toEqual(readdirSync(golden).sort());
});

describe.each(tinies)("log-probabilities of %s", (name) => {
  it.each([1, 170, 4096])(
    "property: do not depend on companions, order and micro-batches of %i tokens",
    (microBatchTokens) =>
      withTiny(name, { microBatchTokens }, (engine, groups) => {
        const alone = groups.map(({ prompt, completions }) =>
          completions.map((ids) => engine.score("policy", [{ prompt, completions: [ids] }])[0]![0]!),
        );
        const member = fc.record({
          g: fc.nat(groups.length - 1),
          ks: fc.array(fc.nat(1), { minLength: 1, maxLength: 3 }),
        });
        fc.assert(
          fc.property(fc.array(member, { minLength: 1, maxLength: 5 }), (members) => {
            const scored = engine.score(
              "policy",
              members.map(({ g, ks }) => ({ ...groups[g]!, completions: ks.map((k) => groups[g]!.completions[k]!) })),
            );
            const wanted = members.map(({ g, ks }) => ks.map((k) => alone[g]![k]!));
            expect(largestGap(scored, wanted)).toBeLessThan(1e-5);
          }),
          { numRuns: 15, seed: 11 },
        );
      }),
  );

  it("of a sequence longer than the model's context are refused, as is sampling one", () =>
    withTiny(name, {}, async (engine, [group]) => {
      const context = engine.processor.contextLength;
      const room = context - group!.prompt.ids.length;
      const options = { n: 1, maxTokens: room + 1, temperature: 0, seed: 1 };
      const refusal = new RegExp(
        `prompt of \\d+ tokens and \\d+ new ones make ${context + 1}, more than the model's ${context}`,
      );
      await expect(engine.sample([group!.prompt], options)).rejects.toThrow(refusal);
      const ids = new Array<number>(room + 1).fill(5);
      expect(() => engine.score("policy", [{ prompt: group!.prompt, completions: [ids] }])).toThrow(refusal);
      const items = [{ context: ids.slice(0, 9), ids: ids.slice(9), advantage: 1 }];
      expect(() => engine.forwardBackward([{ prompt: group!.prompt, items }], grpo)).toThrow(refusal);
    }));

  it("tokens read as context are the completion's own beginning", () =>
    withTiny(name, {}, (engine, [group]) => {
      const ids = group!.completions[1]!;
      const [[whole]] = engine.score("policy", [{ ...group!, completions: [ids] }]) as [[number[]]];
      const items = [{ context: ids.slice(0, 5), ids: ids.slice(5), advantage: 0 }];
      const { logprobs } = engine.forwardBackward([{ prompt: group!.prompt, items }], { kind: "nll" });
      expect(largestGap(logprobs, [[whole.slice(5)]])).toBeLessThan(1e-5);
    }));
});

it.each(["qwen2_5_vl", "internvl"])(
  "%s: log-probabilities in bfloat16 stray from those in float32 no further than transformers' own do",
  async (family) => {
    const recorded = JSON.parse(
      readFileSync(new URL(`../../test/golden/${family}/bfloat16.json`, import.meta.url), "utf8"),
    ) as { mean_error: Record<string, number> };
    const errors = await Promise.all(
      Object.entries(recorded.mean_error).map(([name, theirs]) =>
        withTiny(`${family}/${name}`, { precision: "bfloat16" }, (engine, _, golden) => {
          const asked = golden.prompts.map((prompt) => ({
            prompt: promptOf(prompt),
            completions: [prompt.completion_ids],
          }));
          const gaps = engine.score("policy", asked).flatMap(([logprobs], i) => {
            const exact = golden.array(`${golden.prompts[i]!.name}/logprobs`).data;
            return logprobs!.map((value, t) => Math.abs(value - exact[t]!));
          });
          return { ours: mean(gaps), theirs };
        }),
      ),
    );
    expect(mean(errors.map(({ ours }) => ours))).toBeLessThanOrEqual(mean(errors.map(({ theirs }) => theirs)));
  },
);

describe.each(tinies)("the gradient on %s", (name) => {
  /** Of a loss over groups, on a fresh engine. */
  const gradient = (options: LocalOptions, loss: GrpoLoss, change = (groups: TrainGroup[]) => groups) =>
    withTiny(name, options, (engine, groups) => {
      engine.forwardBackward(change(toTrain(groups)), loss);
      return gradientOf(engine, place());
    });

  it.each(["sequence", "token", "dr_grpo"] as const)(
    "%s: does not depend on micro-batches, on the order, or on whether layers are run again",
    async (normalize) => {
      const loss = { ...grpo, normalize };
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
      engine.forwardBackward(jobs, grpo);
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
      const { metrics } = engine.forwardBackward([{ prompt, items }], { ...grpo, beta });
      expect(metrics.kl).toBeCloseTo(Math.exp(r) - r - 1, 5);
      const factor = -beta * (1 - Math.exp(r));
      const wanted = new Map([...nll].map(([name, values]) => [name, values.map((value) => factor * value)]));
      expect(relativeDistance(gradientOf(engine, place()), wanted)).toBeLessThan(1e-4);
    }));

  it("that is not finite is left out, and leaves no trace", () =>
    withTiny(name, {}, (engine, groups) => {
      const jobs = toTrain(groups.slice(0, 2));
      engine.forwardBackward(jobs, grpo);
      expect(engine.step(STEP)).toMatchObject({ skipped: false });
      const before = stateOf(engine, place());
      engine.forwardBackward(
        jobs.map(({ prompt, items }) => ({ prompt, items: items.map((item) => ({ ...item, advantage: Number.NaN })) })),
        grpo,
      );
      expect(engine.step(STEP)).toEqual({ gradNorm: Number.NaN, skipped: true });
      expect(differing(stateOf(engine, place()), before)).toEqual([]);
      engine.forwardBackward(jobs, grpo);
      expect(engine.step(STEP)).toMatchObject({ skipped: false });
      for (const values of stateOf(engine, place()).values()) expect(values.every(Number.isFinite)).toBe(true);
    }));

  it("is clipped to the norm asked for, and wanted before a step", () =>
    withTiny(name, {}, (engine, groups) => {
      expect(() => engine.step(STEP)).toThrow("call forwardBackward first");
      engine.forwardBackward(toTrain(groups), grpo);
      const { gradNorm } = engine.step({ ...STEP, lr: 0, betas: [0, 0], clipNorm: 0.01 });
      expect(gradNorm).toBeGreaterThan(0.1);
      const kept = [...stateOf(engine, place())].filter(([name]) => name.endsWith(".mean"));
      const squares = kept.flatMap(([, values]) => Array.from(values, (value) => value * value));
      expect(Math.sqrt(squares.reduce((a, b) => a + b, 0))).toBeCloseTo(0.01, 5);
    }));
});

describe.each(tinies)("in chunks of 7 tokens' logits, on %s", (name) => {
  /** All log-probabilities, the whole gradient and the metrics of the fullest loss there is, in however many chunks. */
  const measured = (options: LocalOptions) =>
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
      const { logprobs, metrics } = engine.forwardBackward(items, { ...grpo, form: "clipped", beta: 0.3 });
      return {
        scored,
        logprobs,
        metrics,
        gradient: gradientOf(engine, place()),
        chunks: chunks.mock.calls.length,
        tokens,
      };
    });

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
    (["sequence", "token", "dr_grpo"] as const).map((normalize) => ({ ...grpo, form, normalize, beta: 0.2 })),
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

describe.each(["qwen2_5_vl", "internvl"])("steps of %s", (family) => {
  const name = `${family}/tied`;
  /** A checkpoint of the family that is stored in bfloat16. */
  const stored = family === "internvl" ? "internvl/original" : "qwen2_5_vl/released";
  const move = (engine: LocalEngine, groups: readonly ScoreGroup[], steps = 1) => {
    for (let i = 0; i < steps; i++) {
      engine.forwardBackward(toTrain(groups), grpo);
      engine.step(STEP);
    }
  };

  it("move the policy and leave the reference where it was", () =>
    withTiny(name, { reference: true, freeze: ["vision"] }, (engine, groups) => {
      const before = engine.score("reference", groups);
      expect(engine.score("policy", groups)).toEqual(before);
      move(engine, groups);
      expect(engine.score("reference", groups)).toEqual(before);
      expect(largestGap(engine.score("policy", groups), before)).toBeGreaterThan(1e-3);
    }));

  it("make what was rewarded likelier, and what was punished less likely", () =>
    withTiny(name, {}, (engine, groups) => {
      const total = () => engine.score("policy", groups).map((group) => group.map((x) => x.reduce((a, b) => a + b)));
      const before = total();
      move(engine, groups, 2);
      for (const [g, [good, bad]] of total().entries()) {
        expect(good).toBeGreaterThan(before[g]![0]!);
        expect(bad).toBeLessThan(before[g]![1]!);
      }
    }));

  const kept: Part[][] = [...parts.map((part) => [part]), ["vision", "connector"]];
  it.each(kept.map((freeze) => [freeze.join(" and "), freeze] as const))(
    "leave a frozen part as it is, bit for bit, and move every tensor of the others: %s",
    (_, freeze) =>
      withTiny(`${family}/sharded`, { freeze }, (engine, groups) => {
        const [was, is] = [place(), place()];
        engine.export(was);
        move(engine, groups, 2);
        engine.export(is);
        const seen = new Set<string>();
        for (const file of readdirSync(was).filter((name) => name.endsWith(".safetensors"))) {
          const now = tensorsIn(join(is, file));
          for (const [stored, bytes] of tensorsIn(join(was, file))) {
            const part = engine.model.partOf(engine.model.canonicalName(stored));
            seen.add(part);
            expect(now.get(stored)!.equals(bytes), stored).toBe(freeze.includes(part));
          }
        }
        expect([...seen].sort()).toEqual([...parts].sort());
        for (const [part, { total, trainable }] of engine.parameterTable())
          expect(trainable, part).toBe(freeze.includes(part) ? 0 : total);
      }),
  );

  it("go on after save and load as if nothing had been, bit for bit", () =>
    withTiny(name, { freeze: ["vision"] }, async (engine, groups) => {
      move(engine, groups, 2);
      const saved = place();
      const before = stateOf(engine, saved);
      move(engine, groups);
      const after = stateOf(engine, place());
      expect(differing(after, before)).not.toEqual([]);
      await withTiny(name, { freeze: ["vision"] }, (again) => {
        again.load(saved);
        expect(differing(stateOf(again, place()), before)).toEqual([]);
        move(again, groups);
        expect(differing(stateOf(again, place()), after)).toEqual([]);
      });
    }));

  it("in bfloat16 train float32 masters, and sampling agrees with training as far as the type allows", () =>
    withTiny(stored, { precision: "bfloat16", freeze: ["vision"], reference: true }, async (engine, groups) => {
      const prompts = groups.map(({ prompt }) => prompt);
      const completions = await engine.sample(prompts, { n: 2, maxTokens: 8, temperature: 1, seed: 3 });
      const jobs = prompts.map((prompt, g) => ({
        prompt,
        items: completions[g]!.map(({ ids, logprobs }, k) => ({ ids, advantage: k ? 1 : -1, oldLogprobs: logprobs })),
      }));
      const { metrics } = engine.forwardBackward(jobs, grpo);
      expect(metrics.mismatchMax).toBeLessThan(0.5);
      const before = stateOf(engine, place());
      expect(engine.step({ ...STEP, lr: 1e-6 }).skipped).toBe(false);
      // A step this small would be lost in bfloat16 weights.
      expect(differing(stateOf(engine, place()), before)).not.toEqual([]);
    }));
});

describe("load", () => {
  it("refuses a state that does not say how many updates it has seen", () =>
    withTiny("tied", {}, (engine) => {
      const saved = place();
      engine.save(saved);
      const path = join(saved, "state.safetensors");
      const file = new SafetensorsFile(path);
      const bytes = new Map(file.entries.map((entry) => [entry.name, file.read(entry)]));
      writeSafetensors(path, file.entries, ({ name }) => bytes.get(name)!);
      expect(() => engine.load(saved)).toThrow(/does not say how many updates/);
      expect(() => engine.load(saved)).toThrow(UserError);
    }));

  it("refuses the state of a run that trained something else, naming the tensor", () =>
    withTiny("tied", { freeze: ["language"] }, async (engine) => {
      const saved = place();
      engine.save(saved);
      await withTiny("tied", { freeze: ["language", "vision"] }, (other) => {
        expect(() => other.load(saved)).toThrow(/has the tensor model\.visual\..*, which this run does not train/);
        expect(() => other.load(saved)).toThrow(UserError);
      });
      await withTiny("tied", {}, (other) => expect(() => other.load(saved)).toThrow(/lacks model\.language_model/));
      await withTiny("deep", { freeze: ["language"] }, (other) =>
        expect(() => other.load(saved)).toThrow(/has the tensor .* \[.*\], which this run does not train/),
      );
    }));
});

it.each(tinies)("an engine on %s leaves nothing behind when it is disposed", async (name) => {
  const before = liveTensors();
  await withTiny(name, { reference: true, freeze: ["vision", "connector"] }, async (engine, groups) => {
    await engine.sample([groups[2]!.prompt], { n: 2, maxTokens: 4, temperature: 1, seed: 1 });
    engine.score("reference", groups);
    engine.forwardBackward(toTrain(groups), grpo);
    engine.step(STEP);
    engine.save(place());
  });
  expect(liveTensors()).toEqual(before);
});

it("a reference that was not asked for is no other one", () =>
  withTiny("tied", {}, (engine, groups) =>
    expect(() => engine.score("reference", groups)).toThrow("without a reference"),
  ));

it.skipIf(native.cudaDevices() > 0)("a device that is not there is refused", () => {
  expect(() => openTiny("tied", { device: "cuda:0" })).toThrow(/sees no CUDA device/);
});
