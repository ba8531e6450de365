import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadGolden } from "../../../test/golden/golden.ts";
import { scratchPlaces } from "../../../test/tiny.ts";
import { UserError } from "../../util/errors.ts";
import { readModel } from "../architectures.ts";
import { readQwen2_5_VLConfig } from "./qwen-vl-config.ts";

const place = scratchPlaces();
type Json = Record<string, Record<string, unknown>>;

/** A folder with a golden checkpoint's config, changed. */
function folderWith(name: string, change: (config: Json) => void): string {
  const folder = place();
  mkdirSync(folder);
  const config = JSON.parse(readFileSync(join(loadGolden(name).dir, "config.json"), "utf8")) as Json;
  change(config);
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  return folder;
}

describe("readQwen2_5_VLConfig", () => {
  it.each<[string, string, (config: Json) => void, RegExp]>([
    ["stretched positions", "released", (c) => (c.rope_scaling!.type = "yarn"), /rope_type/],
    [
      "the same in the newer nesting",
      "tied",
      (c) => ((c.text_config!.rope_parameters as Json[""]).rope_type = "yarn"),
      /rope_type/,
    ],
    ["windows over text", "tied", (c) => (c.text_config!.use_sliding_window = true), /use_sliding_window/],
    ["another activation", "tied", (c) => (c.vision_config!.hidden_act = "gelu"), /vision\.hidden_act/],
    [
      "heads that do not divide the width",
      "tied",
      (c) => (c.text_config!.num_attention_heads = 5),
      /hidden_size must be/,
    ],
    [
      "sections that do not fill a head",
      "tied",
      (c) => (c.text_config!.num_attention_heads = 6),
      /mrope_section must add up/,
    ],
    ["a vision tower that is not described", "tied", (c) => Object.assign(c, { vision_config: [] }), /vision: /],
    ["a number as a word", "tied", (c) => (c.vision_config!.depth = "2"), /vision\.depth/],
    ["stretched positions in a form of its own", "tied", (c) => (c.text_config!.rope_parameters = "yarn"), /rope_par/],
    ["more blocks than any tower has", "tied", (c) => (c.vision_config!.depth = 1e9), /vision\.depth/],
    ["windows smaller than a merged patch", "tied", (c) => (c.vision_config!.window_size = 14), /window_size/],
    ["features of another width than the text's", "tied", (c) => (c.vision_config!.out_hidden_size = 24), /out_hidden/],
    ["heads that are not turned by two axes", "tied", (c) => (c.vision_config!.num_heads = 4), /four times num_heads/],
  ])("refuses %s, naming the key", (_, name, change, message) => {
    const folder = folderWith(name, change);
    expect(() => readQwen2_5_VLConfig(folder)).toThrow(UserError);
    expect(() => readQwen2_5_VLConfig(folder)).toThrow(message);
    expect(() => readQwen2_5_VLConfig(folder)).toThrow(`${folder}/config.json`);
  });
});

describe("readModel", () => {
  it.each<[string, (config: Json) => void, RegExp]>([
    ["bitsandbytes", (c) => (c.quantization_config = { load_in_4bit: true, quant_method: "bitsandbytes" }), /bitsandb/],
    ["no name", (c) => (c.text_config!.quantization_config = {}), /quantised \(method not named\)/],
    ["MLX", (c) => (c.quantization = { group_size: 64, bits: 4 }), /quantised \(method not named\)/],
  ])("says in one line that weights are quantised: %s", (_, change, message) => {
    const folder = folderWith("tied", change);
    expect(() => readModel(folder)).toThrow(message);
    expect(() => readModel(folder)).toThrow(`${folder}/config.json: quantization`);
  });

  it("refuses an architecture it does not know, and a folder or file that is no checkpoint", () => {
    const other = folderWith("tied", (config) => Object.assign(config, { architectures: ["LlamaForCausalLM"] }));
    expect(() => readModel(other)).toThrow(
      /names the architecture LlamaForCausalLM, which is not supported.*\n.*Qwen2_5_VL/,
    );
    expect(() => readModel(place())).toThrow(/config\.json cannot be read/);
    writeFileSync(join(other, "config.json"), "{");
    expect(() => readModel(other)).toThrow(UserError);
  });
});
