import { describe, expect, it } from "vitest";
import { FRESH, FRESH_LANGUAGE, scratchPlaces } from "../../test/tiny.ts";
import { readWeights } from "../checkpoint/weights-io.ts";
import { renderScene } from "../data/scenes/render.ts";
import { sparseScene } from "../data/scenes/world.ts";
import { LocalEngine } from "../engine/local.ts";
import { readModel } from "../models/architectures.ts";
import { UserError } from "../util/errors.ts";
import { stream } from "../util/random.ts";
import { makeFreshCheckpoint } from "./fresh.ts";
import { teachVision } from "./vision.ts";

const place = scratchPlaces();

const internvl = {
  seed: 1,
  max_vocab: 600,
  config: {
    model_type: "internvl",
    downsample_ratio: 0.5,
    tie_word_embeddings: true,
    text_config: { model_type: "qwen2", ...FRESH_LANGUAGE },
    vision_config: {
      model_type: "internvl_vision",
      hidden_size: 32,
      num_hidden_layers: 2,
      num_attention_heads: 2,
      intermediate_size: 48,
      image_size: [112, 112],
      patch_size: [14, 14],
      norm_type: "layer_norm",
      attention_bias: true,
      use_qk_norm: false,
      layer_scale_init_value: 0.5,
    },
  },
};

const corpus = ["Boxes: red circle 1 [1,2,3,4] none", "How many red circles are there?"];
const image = renderScene(sparseScene(stream(1, "test"), 2));

describe.each([
  ["Qwen2.5-VL", FRESH, "frame"],
  ["InternVL3", internvl, "permille"],
] as const)("a fresh %s", (_, recipe, space) => {
  it("opens, sees, and answers", async () => {
    const dir = place();
    makeFreshCheckpoint(dir, recipe, corpus);
    const onStep = ({ shape }: { shape: number }) => expect(shape).toBeGreaterThan(0);
    await teachVision(dir, 1, { steps: 2, scenes_per_step: 2, lr: 1e-3 }, "float32", { onStep });
    const engine = new LocalEngine(dir, { precision: "float32" });
    expect(engine.processor.boxSpace).toBe(space);
    const prompt = await engine.processor.promptFrom({ images: [image], text: corpus[1]! });
    const [completions] = await engine.sample([prompt], { n: 1, maxTokens: 4, temperature: 0, seed: 1 });
    expect(completions![0]!.ids.length).toBeGreaterThan(0);
    engine.dispose();
  });
});

describe("with the language model of another checkpoint", () => {
  it("begins with its tokenizer, embeddings and layers, tokens of its own beside them", () => {
    const [from, to] = [place(), place()];
    makeFreshCheckpoint(from, FRESH, corpus);
    makeFreshCheckpoint(to, { ...internvl, language: from }, []);
    const read = (dir: string) => readWeights(dir, readModel(dir), "cpu").parameters;
    const [source, taken] = [read(from), read(to)];
    for (const [name, tensor] of source) {
      if (!name.includes("language_model")) continue;
      const values = tensor.toFloats();
      expect(Array.from(taken.get(name)!.toFloats()).slice(0, values.length), name).toEqual(Array.from(values));
    }
    expect(taken.get("model.language_model.embed_tokens.weight")!.size(0)).toBe(
      source.get("model.language_model.embed_tokens.weight")!.size(0) + 4,
    );
    for (const tensor of [...source.values(), ...taken.values()]) tensor.dispose();
  });

  it("is refused when the sizes differ", () => {
    const from = place();
    makeFreshCheckpoint(from, FRESH, corpus);
    const wider = { ...internvl.config, text_config: { ...internvl.config.text_config, intermediate_size: 64 } };
    expect(() => makeFreshCheckpoint(place(), { ...internvl, config: wider, language: from }, [])).toThrow(UserError);
  });
});
