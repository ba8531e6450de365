import { DEVICE } from "../../device.ts";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { LocalEngine } from "../../../src/engine/local.ts";
import { readModel } from "../../../src/models/architectures.ts";
import { readInternVLConfig } from "../../../src/models/internvl/internvl-config.ts";
import { readQwen2_5_VLConfig } from "../../../src/models/qwen2_5_vl/qwen-vl-config.ts";
import { scratchPlaces } from "../../tiny.ts";
import { goldenNames, loadGolden, syntheticRgb } from "../golden.ts";
import defaults from "./defaults.json" with { type: "json" };

const HERE = import.meta.dirname;
const place = scratchPlaces();

/** Log-probabilities of a completion about an image that every part of the processor has a say in. */
async function logprobs(dir: string): Promise<number[]> {
  const engine = new LocalEngine(dir, { device: DEVICE, precision: "float32" });
  try {
    const image = { width: 90, height: 40, rgb: syntheticRgb(90, 40) };
    const prompt = await engine.processor.promptFrom({ images: [image], text: "\nQuestion: what is left of it? 7" });
    const ids = engine.processor.tokenizer.encode("<think> (12, 30, 88, 57) </think>\n<answer> no");
    return engine.score("policy", [{ prompt, completions: [ids] }])[0]![0]!;
  } finally {
    engine.dispose();
  }
}

describe("a checkpoint whose config says only what its class does not", () => {
  it.each(goldenNames())("%s computes the same numbers", async (name) => {
    const [whole, trimmed] = [loadGolden(name).dir, place()];
    cpSync(whole, trimmed, { recursive: true });
    cpSync(join(HERE, name), trimmed, { recursive: true });
    const keys = (dir: string) => readFileSync(join(dir, "config.json"), "utf8").length;
    expect(keys(trimmed)).toBeLessThan(keys(whole));
    expect(readModel(trimmed).shape).toEqual(readModel(whole).shape);
    expect(await logprobs(trimmed)).toEqual(await logprobs(whole));
  });
});

describe("what a config leaves out", () => {
  type Values = Readonly<Record<string, unknown>>;

  /** A folder with that config, and an image token for the layout that takes it from the tokenizer. */
  function folderWith(config: object): string {
    const folder = place();
    mkdirSync(folder);
    writeFileSync(join(folder, "config.json"), JSON.stringify(config));
    writeFileSync(join(folder, "added_tokens.json"), '{"<IMG_CONTEXT>": 7}');
    return folder;
  }

  /** The class's values of the keys that are read here; a side that it has as [height, width] as one number. */
  const expected = (read: Values, of: Values) =>
    Object.fromEntries(
      Object.keys(read).flatMap((key) => {
        const value = of[key];
        if (value === undefined || value === null || key.startsWith("rope_")) return [];
        return [[key, key.endsWith("_size") && Array.isArray(value) ? (value[0] as number) : value]];
      }),
    );

  it("is Qwen2.5-VL's as transformers has it", () => {
    const { text, vision, ...rest } = defaults.qwen2_5_vl;
    // The classes' own widths do not fit together.
    const config = readQwen2_5_VLConfig(folderWith({ vision_config: { out_hidden_size: text.hidden_size } }));
    expect(config).toMatchObject(expected(config, rest));
    expect(config.text).toMatchObject(expected(config.text, text));
    expect(config.text).toMatchObject({ rope_theta: text.rope_theta, rope_type: "default", mrope_section: [16, 24, 24] });
    expect(config.vision).toMatchObject(expected(config.vision, { ...vision, out_hidden_size: text.hidden_size }));
  });

  it("is InternVL's as transformers has it, and ties unless the files hold a head", () => {
    const { text, vision, ...rest } = defaults.internvl;
    const config = readInternVLConfig(folderWith({}));
    expect(config).toMatchObject(expected(config, rest));
    expect(config.text).toMatchObject(expected(config.text, { ...text, tie_word_embeddings: undefined }));
    expect(config.text).toMatchObject({ rope_theta: text.rope_theta });
    expect(config.vision).toMatchObject(expected(config.vision, vision));
    for (const [name, tied] of [["internvl/tied", true], ["internvl/deep", true], ["internvl/quarter", false]] as const) {
      const folder = place();
      cpSync(loadGolden(name).dir, folder, { recursive: true });
      const json = JSON.parse(readFileSync(join(folder, "config.json"), "utf8"));
      delete json.tie_word_embeddings;
      delete json.text_config.tie_word_embeddings;
      writeFileSync(join(folder, "config.json"), JSON.stringify(json));
      expect(readInternVLConfig(folder).tie_word_embeddings, name).toBe(tied);
    }
  });

  it("is the original InternVL's as its code has it, whose pixel shuffle is refused", () => {
    const { text, vision, ...rest } = defaults.internvl_chat;
    const chat = { model_type: "internvl_chat", llm_config: { architectures: ["Qwen2ForCausalLM"] } };
    expect(rest.ps_version).toBe("v1");
    expect(() => readInternVLConfig(folderWith(chat))).toThrow(/ps_version: .*"v1"/);
    const config = readInternVLConfig(folderWith({ ...chat, ps_version: "v2" }));
    expect(config.text).toMatchObject(expected(config.text, text));
    expect(config).toMatchObject({ downsample_ratio: rest.downsample_ratio, vision_feature_layer: rest.select_layer });
    expect(config.vision).toMatchObject(expected(config.vision, vision));
    expect(config.vision).toMatchObject({
      attention_bias: vision.qkv_bias,
      use_qk_norm: vision.qk_normalization,
      layer_scale_init_value: vision.initializer_factor,
    });
  });
});
