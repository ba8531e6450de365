import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadGolden } from "../../../test/golden/golden.ts";
import { scratchPlaces } from "../../../test/tiny.ts";
import { UserError } from "../../util/errors.ts";
import { Weights } from "../weights.ts";
import { InternVL } from "./internvl.ts";
import { readInternVLConfig } from "./internvl-config.ts";

const place = scratchPlaces();
type Json = Record<string, Record<string, unknown>>;

/** A golden checkpoint's folder without its weights, its config changed. */
function folderWith(name: string, change: (config: Json) => void): string {
  const folder = place();
  cpSync(loadGolden(name).dir, folder, { recursive: true, filter: (file) => !file.endsWith(".safetensors") });
  const config = JSON.parse(readFileSync(join(folder, "config.json"), "utf8")) as Json;
  change(config);
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  return folder;
}

describe("readInternVLConfig", () => {
  it.each<[string, string, (config: Json) => void, RegExp]>([
    ["another language model", "tied", (c) => (c.text_config!.model_type = "qwen3"), /text\.model_type/],
    [
      "the same in the original's layout",
      "original",
      (c) => (c.llm_config!.model_type = "internlm2"),
      /text\.model_type/,
    ],
    ["stretched positions", "original", (c) => (c.llm_config!.rope_scaling = { type: "yarn" }), /rope_type/],
    ["an image that is not square", "tied", (c) => (c.vision_config!.image_size = [28, 56]), /vision\.image_size/],
    ["a pixel shuffle that transposes", "original", (c) => Object.assign(c, { ps_version: "v1" }), /ps_version/],
    ["an inner layer's features", "original", (c) => Object.assign(c, { select_layer: -4 }), /vision_feature_layer/],
    ["a token for a part of a patch", "tied", (c) => Object.assign(c, { downsample_ratio: 0.4 }), /downsample_ratio/],
    [
      "a tower without positions",
      "tied",
      (c) => (c.vision_config!.use_absolute_position_embeddings = false),
      /absolute/,
    ],
    [
      "heads that do not divide the width",
      "tied",
      (c) => (c.vision_config!.num_attention_heads = 5),
      /vision\.hidden_size: must be a multiple/,
    ],
    ["a vision tower that is not described", "original", (c) => Object.assign(c, { vision_config: "vit" }), /vision: /],
    ["the class's own pixel shuffle, where none is named", "original", (c) => delete c.ps_version, /ps_version/],
    ["a tie that is said by a word", "tied", (c) => Object.assign(c, { tie_word_embeddings: "no" }), /tie_word/],
    ["more layers than any model has", "tied", (c) => (c.text_config!.num_hidden_layers = 1e6), /num_hidden_layers/],
    ["a width that would fill the memory", "tied", (c) => (c.text_config!.hidden_size = 1e12), /text\.hidden_size/],
    ["heads of an odd width", "tied", (c) => (c.text_config!.num_attention_heads = 16), /twice num_attention_heads/],
    ["heads that share keys unevenly", "tied", (c) => (c.text_config!.num_key_value_heads = 2), /num_key_value_heads/],
    ["windows over text, layer by layer", "tied", (c) => (c.text_config!.layer_types = ["sliding"]), /layer_types/],
  ])("refuses %s, naming the key", (_, name, change, message) => {
    const folder = folderWith(`internvl/${name}`, change);
    expect(() => readInternVLConfig(folder)).toThrow(UserError);
    expect(() => readInternVLConfig(folder)).toThrow(message);
    expect(() => readInternVLConfig(folder)).toThrow(`${folder}/config.json`);
  });

  it("finds the original's image token in whichever tokenizer file names it", () => {
    const folder = folderWith("internvl/original", () => {});
    const { image_token_id } = readInternVLConfig(folder);
    expect(image_token_id).toBe(loadGolden("internvl/original").masked_ids[1]);
    writeFileSync(join(folder, "tokenizer_config.json"), "{}");
    expect(readInternVLConfig(folder).image_token_id).toBe(image_token_id);
    rmSync(join(folder, "added_tokens.json"));
    expect(() => readInternVLConfig(folder)).toThrow(/no token <IMG_CONTEXT>/);
    const added_tokens = [{ id: 7, content: "<IMG_CONTEXT>" }];
    writeFileSync(join(folder, "tokenizer.json"), JSON.stringify({ added_tokens }));
    expect(readInternVLConfig(folder).image_token_id).toBe(7);
  });
});

describe("a model whose positions would be stretched beyond its context", () => {
  it("refuses a sequence that reaches there", () => {
    const model = InternVL.read(loadGolden("internvl/original").dir);
    expect(() => model.rotation(new Weights(new Map()), [[2047, 2048]])).toThrow(/longer than the 2048 tokens/);
  });
});
