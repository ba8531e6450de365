import { describe, expect, it, vi } from "vitest";
import { DEVICE, IS_PROCESSOR } from "../../test/device.ts";
import { loadGolden } from "../../test/golden/golden.ts";
import { GRPO, promptOf, STEP, scratchPlaces, TINIES, toTrain, withTiny } from "../../test/tiny.ts";
import { readWeights } from "../checkpoint/weights-io.ts";
import { readModel } from "../models/architectures.ts";
import { PackAttention } from "../models/attention.ts";
import { encodeImages, languageStages } from "../models/forward.ts";
import { chooseModules, freshAdapter } from "../models/lora.ts";
import type { Part } from "../models/model.ts";
import { passThrough } from "../models/stages.ts";
import { Weights } from "../models/weights.ts";
import type { ImageInput, Prompt } from "../records.ts";
import { cast, cat, detach, Generator, normal_, zeros } from "../torch/ops.ts";
import { disposeAll, keep, liveTensors, type Tensor, tidy } from "../torch/tensor.ts";
import { stream } from "../util/random.ts";
import { FeatureCache, imageKey } from "./features.ts";
import { pack } from "./packing.ts";
import { VisionPhase } from "./vision-phase.ts";

const place = scratchPlaces();

/** Leaves in float64: all of a checkpoint's parameters, or those of an adapter beside them. */
function open(name: string, trained: readonly Part[], lora: boolean) {
  const golden = loadGolden(name);
  const model = readModel(golden.dir);
  const { parameters } = readWeights(golden.dir, model, DEVICE);
  const modules = lora ? chooseModules(model, "all-linear", trained, (module) => module) : [];
  const adapter = freshAdapter(model, modules, 3, 1, DEVICE);
  // Zero as they begin, the second matrices would leave the first without a gradient.
  using generator = new Generator(7, DEVICE);
  for (const [name, tensor] of adapter) if (name.includes("lora_B")) normal_(tensor, 0, 0.1, generator);
  const all = new Map([...parameters, ...adapter].map(([name, tensor]) => [name, keep(cast(tensor, "float64"))]));
  disposeAll([parameters, adapter]);
  const leaves = [...all].filter(([name]) => (lora ? name.includes("lora_") : trained.includes(model.partOf(name))));
  for (const [, tensor] of leaves) tensor.requiresGrad();
  const masters = new Weights(all, "float64", lora ? { scale: 2 } : undefined);
  const weights = (image?: ImageInput) =>
    lora && image
      ? masters.adapted({ scale: 2, dropout: { share: 0.3, seedOf: (module) => seedOf(imageKey(image), module) } })
      : masters;
  return { golden, model, weights, leaves: new Map(leaves), all };
}
const seedOf = (...name: string[]) => stream(1, ...name).uint32();

/** The gradients of leaves, cleared. */
function take(leaves: ReadonlyMap<string, Tensor>): Map<string, Float64Array> {
  return tidy(
    () =>
      new Map(
        [...leaves].map(([name, leaf]) => {
          const bytes = leaf.grad()?.toBytes() ?? new Uint8Array();
          leaf.clearGrad();
          return [name, new Float64Array(bytes.buffer)];
        }),
      ),
  );
}

it.each(TINIES)("%s sees an image once for sampling, scoring and training, and once more for its gradient", (name) =>
  withTiny(name, { reference: true, microBatchTokens: 1 }, async (engine, groups) => {
    const stages = vi.spyOn(engine.model, "imageStages");
    const images = groups.flatMap(({ prompt }) => prompt.images.map(imageKey));
    const encoded = () =>
      stages.mock.calls
        .splice(0)
        .flatMap(([, images]) => images.map(imageKey))
        .sort();
    const step = async () => {
      await engine.sample(
        groups.map(({ prompt }) => prompt),
        { n: 2, maxTokens: 2, temperature: 1, seed: 1 },
      );
      engine.score("policy", groups);
      const seen = encoded();
      engine.score("reference", groups);
      const reference = encoded();
      // Accumulated over two calls, with the state saved in between.
      engine.forwardBackward(toTrain(groups), GRPO);
      engine.save(place());
      engine.forwardBackward(toTrain(groups.toReversed()), GRPO);
      const trained = encoded();
      engine.step(STEP);
      return { seen, reference, trained, phase: encoded() };
    };
    const once = [...new Set(images)].sort();
    expect(await step()).toEqual({ seen: once, reference: once, trained: [], phase: once });
    // The policy's tower has moved; the reference's has not, but where images are seen together all are forgotten.
    const reference = IS_PROCESSOR ? once : [];
    expect(await step()).toEqual({ seen: once, reference, trained: [], phase: once });
  }),
);

const all: readonly Part[] = ["vision", "connector", "embeddings", "language"];
describe.each(TINIES)("the gradient of %s in two phases", (name) => {
  it.each([
    ["everything trained", all, false],
    ["everything trained", all, false, true],
    ["everything trained, images together", all, false, true, true],
    ["vision and connector alone", ["vision", "connector"] as const, false, true],
    ["the connector alone, images together", ["connector"] as const, false, true, true],
    ["the connector alone", ["connector"] as const, false, true],
    ["adapters on vision and connector, with dropout", ["vision", "connector"] as const, true],
    ["adapters on vision and connector, with dropout", ["vision", "connector"] as const, true, true],
    ["an adapter on the language model and the connector", ["language", "connector"] as const, true, true],
  ])("is that of one graph: %s", (_, trained, lora, checkpointing = false, together = false) => {
    const { golden, model, weights, leaves, all } = open(name, trained, lora);
    const prompts = golden.prompts.map(promptOf);
    const pair = prompts.find(({ images }) => images.length > 1)!;
    const wide = prompts.find(({ images }) => images.length === 1)!;
    // Every image once, one prompt of several images, and images that come again, in one micro-batch and in another.
    const micros = [prompts, [wide, pair, wide], [pair]];
    const gradients = (run: (prompts: readonly Prompt[], micro: number) => void) => {
      for (const [i, micro] of micros.entries()) tidy(() => run(micro, i));
    };
    const arriving = (like: Tensor, micro: number) => {
      using generator = new Generator(micro + 3, DEVICE);
      return normal_(zeros(like.shape, "float64", DEVICE), 0, 1, generator);
    };
    const inputOf = (prompts: readonly Prompt[]) =>
      pack(
        model,
        prompts.map((prompt) => ({ prompt, branches: [{ context: [], ids: [5, 6, 7] }] })),
      ).pack;

    gradients((prompts, micro) => {
      const input = inputOf(prompts);
      const seen = input.images.map((image) => encodeImages(model, weights(image), [image]));
      const stages = languageStages(
        model,
        weights(),
        { ...input, features_MD: cat(seen, 0) },
        new PackAttention(input.trees),
      );
      const { out, backward } = passThrough(stages, {
        checkpointing: false,
        trained: { stages: true, inputs: true },
      });
      backward(arriving(out, micro));
    });
    const wanted = take(leaves);

    const before = liveTensors();
    const { mergeSize } = model.imageLayout;
    const patches = together ? 1e6 : 1;
    const features = new FeatureCache(mergeSize, patches);
    const trains = (...parts: Part[]) => parts.some((part) => trained.includes(part));
    const phase = new VisionPhase(model, trains, checkpointing, patches);
    let encoded = 0;
    gradients((prompts, micro) => {
      const input = inputOf(prompts);
      const features_MD = features
        .get(input.images, (unseen) => {
          encoded += unseen.length;
          return encodeImages(model, weights(unseen[0]), unseen);
        })
        .requiresGrad();
      const stages = languageStages(model, weights(), { ...input, features_MD }, new PackAttention(input.trees));
      const pass = passThrough(stages, {
        checkpointing,
        trained: { stages: trained.includes("language"), inputs: true },
      });
      pass.backward(arriving(detach(pass.out), micro));
      phase.add(input.images, features_MD.grad()!);
    });
    phase.backward((images) => weights(images[0]));
    features.clear();
    expect(encoded).toBe(new Set(prompts.flatMap(({ images }) => images.map(imageKey))).size);
    const got = take(leaves);
    expect(liveTensors()).toEqual(before);

    let [apart, size] = [0, 0];
    for (const [name, values] of wanted) {
      expect(got.get(name)!.length, name).toBe(values.length);
      for (const [i, value] of values.entries()) {
        apart = Math.max(apart, Math.abs(got.get(name)![i]! - value));
        size = Math.max(size, Math.abs(value));
      }
    }
    expect(size).toBeGreaterThan(0.1);
    expect(apart / size).toBeLessThan(1e-10);
    disposeAll(all);
  });
});
