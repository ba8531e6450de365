import { describe, expect, it } from "vitest";
import { DEVICE } from "../../test/device.ts";
import { type Golden, type GoldenPrompt, goldenNames, loadGolden } from "../../test/golden/golden.ts";
import { promptOf } from "../../test/tiny.ts";
import { readWeights } from "../checkpoint/weights-io.ts";
import { maskedLogits, placeholderMask, tokenLogprobs } from "../engine/logprobs.ts";
import { pack } from "../engine/packing.ts";
import { cat, indexSelect, ints, mul, neg, sum, toDevice } from "../torch/ops.ts";
import { liveTensors, noGrad, type Tensor, tidy } from "../torch/tensor.ts";
import { readModel } from "./architectures.ts";
import { PackAttention } from "./attention.ts";
import { encodeImages, forward } from "./forward.ts";
import type { Model } from "./model.ts";
import { Weights } from "./weights.ts";

/** Hidden states and log-probabilities of prompts with their completions, all in one pack. */
function run(model: Model, weights: Weights, prompts: readonly GoldenPrompt[], mask: Tensor) {
  const { pack: packed, spans } = pack(
    model,
    prompts.map((p) => ({
      prompt: promptOf(p),
      branches: [{ context: [], ids: p.completion_ids }],
    })),
  );
  const features = packed.images.length ? { features_MD: encodeImages(model, weights, packed.images) } : {};
  const hidden = forward(model, weights, { ...packed, ...features }, new PackAttention(packed.trees));
  const flat = spans.flat();
  const rows = indexSelect(hidden, 0, toDevice(ints(flat.flatMap((span) => span.rows)), DEVICE));
  const logprobs = tokenLogprobs(
    maskedLogits(model, weights, rows, mask),
    flat.flatMap((span) => span.ids),
  );
  return { packed, hidden, logprobs };
}

/** Largest absolute difference of two equally long lists. */
function distance(got: ArrayLike<number>, want: ArrayLike<number>): number {
  expect(got.length).toBe(want.length);
  let worst = 0;
  for (let i = 0; i < want.length; i++) worst = Math.max(worst, Math.abs(got[i]! - want[i]!));
  return worst;
}

describe.each(goldenNames())("%s equals transformers", (name) => {
  const golden: Golden = loadGolden(name);
  const model = readModel(golden.dir);
  const { parameters } = readWeights(golden.dir, model, DEVICE);
  const weights = new Weights(parameters);
  const vocabulary = model.shape.vocabulary;

  it.each(golden.prompts.map((p) => [p.name, p] as const))(
    "positions, features, logits, log-probabilities: %s",
    (_, prompt) => {
      tidy(() =>
        noGrad(() => {
          const mask = placeholderMask(vocabulary, golden.masked_ids, DEVICE);
          const { packed, hidden, logprobs } = run(model, weights, [prompt], mask);
          expect(packed.positions).toEqual(prompt.position_ids);
          if (prompt.images.length) {
            const features = encodeImages(model, weights, promptOf(prompt).images).toFloats();
            expect(distance(features, golden.array(`${prompt.name}/vision`).data)).toBeLessThan(1e-4);
          }
          const logits = model.logits(weights, hidden).toFloats();
          const columns = Math.ceil(vocabulary / golden.column_step);
          const sampled = Array.from(
            { length: packed.ids.length * columns },
            (_, i) => logits[Math.floor(i / columns) * vocabulary + (i % columns) * golden.column_step]!,
          );
          expect(distance(sampled, golden.array(`${prompt.name}/logits`).data)).toBeLessThan(1e-4);
          expect(distance(logits.slice(-8 * vocabulary), golden.array(`${prompt.name}/last_logits`).data)).toBeLessThan(
            1e-4,
          );
          expect(distance(logprobs.toFloats(), golden.array(`${prompt.name}/logprobs`).data)).toBeLessThan(1e-4);
        }),
      );
    },
  );

  it.each(golden.gradients.map((g) => [g.prompts.join("+"), g] as const))("gradients: %s", (_, recorded) => {
    for (const [, tensor] of weights.entries()) tensor.requiresGrad();
    tidy(() => {
      const prompts = recorded.prompts.map((p) => golden.prompts.find((each) => each.name === p)!);
      const { logprobs } = run(model, weights, prompts, placeholderMask(vocabulary, golden.masked_ids, DEVICE));
      const loss = mul(neg(sum(logprobs)), 1 / logprobs.size(0));
      expect(loss.item()).toBeCloseTo(recorded.loss, 4);
      loss.backward();
      for (const [stored, expected] of Object.entries(recorded.parameters)) {
        const gradient = weights.get(model.canonicalName(stored)).grad()!.toFloats();
        const norm = Math.hypot(...[0].concat(Array.from(gradient)));
        const projection = gradient.reduce((total, value, i) => total + value * Math.cos(i), 0);
        // Some gradients are zero but for rounding: a key's bias shifts all scores alike.
        const within = (relative: number) => relative * expected.norm + 1e-6;
        expect(Math.abs(norm - expected.norm), stored).toBeLessThan(within(1e-4));
        expect(Math.abs(projection - expected.projection), stored).toBeLessThan(within(1e-4));
        for (const [k, sample] of expected.samples.entries())
          expect(Math.abs(gradient[Math.floor((k * gradient.length) / 8)]! - sample), stored).toBeLessThan(
            within(1e-4),
          );
      }
    });
    for (const [, tensor] of weights.entries()) tensor.clearGrad();
  });

  it("a prompt shared by several completions gives each the numbers it has alone", () => {
    const prompt = golden.prompts.find((p) => p.images.length > 0)!;
    tidy(() =>
      noGrad(() => {
        const mask = placeholderMask(vocabulary, golden.masked_ids, DEVICE);
        const root = promptOf(prompt);
        const branches = [prompt.completion_ids, prompt.completion_ids.slice(3), prompt.completion_ids.slice(0, 2)].map(
          (ids) => ({ context: [], ids }),
        );
        const logprobs = (bundles: Parameters<typeof pack>[1]) => {
          const { pack: packed, spans } = pack(model, bundles);
          const hidden = forward(
            model,
            weights,
            { ...packed, features_MD: encodeImages(model, weights, packed.images) },
            new PackAttention(packed.trees),
          );
          const flat = spans.flat();
          const rows = toDevice(ints(flat.flatMap((s) => s.rows)), DEVICE);
          return tokenLogprobs(
            maskedLogits(model, weights, indexSelect(hidden, 0, rows), mask),
            flat.flatMap((s) => s.ids),
          );
        };
        const together = logprobs([{ prompt: root, branches }]).toFloats();
        const apart = cat(
          branches.map((branch) => logprobs([{ prompt: root, branches: [branch] }])),
          0,
        ).toFloats();
        expect(distance(together, apart)).toBeLessThan(1e-5);
      }),
    );
  });
});

it("leaves nothing behind but the parameters", () => {
  const before = liveTensors();
  const golden = loadGolden("tied");
  const model = readModel(golden.dir);
  const { parameters } = readWeights(golden.dir, model, DEVICE);
  tidy(() =>
    noGrad(
      () =>
        run(
          model,
          new Weights(parameters),
          golden.prompts,
          placeholderMask(model.shape.vocabulary, golden.masked_ids, DEVICE),
        ).logprobs.item.length,
    ),
  );
  for (const tensor of parameters.values()) tensor.dispose();
  expect(liveTensors()).toEqual(before);
});
