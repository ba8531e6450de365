/** @file config.json: numbers that no model has, other forms of known keys, settings that are not computed. */
import type { Random } from "../../../src/util/random.ts";
import { type Json, jsonOf, LAYOUTS, type Layout, nonsense, opening } from "../checkpoint.ts";
import type { Generator } from "../hostile.ts";

const FILE = "config.json";

/** The keys that decide what is computed, by the part of the config that a layout keeps them in. */
const KEYS: Record<Layout, Record<string, readonly string[]>> = (() => {
  const text = [
    ...["vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"],
    ...["max_position_embeddings", "rms_norm_eps", "hidden_act"],
  ];
  const qwen = [
    ...[
      "depth",
      "hidden_size",
      "num_heads",
      "intermediate_size",
      "out_hidden_size",
      "patch_size",
      "spatial_merge_size",
    ],
    ...["temporal_patch_size", "window_size", "fullatt_block_indexes"],
  ];
  const internvl = [
    "num_hidden_layers",
    "hidden_size",
    "num_attention_heads",
    "intermediate_size",
    "image_size",
    "patch_size",
  ];
  return {
    "qwen2_5_vl/tied": { text_config: text, vision_config: qwen },
    "qwen2_5_vl/released": { "": text, vision_config: qwen },
    "internvl/tied": { text_config: text, vision_config: internvl },
    "internvl/original": { llm_config: text, vision_config: internvl },
  };
})();

const HUGE = [1e9, 1e14, 2 ** 53, 1e300];

/** A part of a config and one of its keys. */
function pickKey(random: Random, layout: Layout, config: Json): { part: Json; key: string } {
  const place = random.pick(Object.keys(KEYS[layout]));
  return { part: place === "" ? config : (config[place] as Json), key: random.pick(KEYS[layout][place]!) };
}

type Spoil = (random: Random, layout: Layout, config: Json) => { text?: string; names: readonly string[] };

const textOf = (config: Json) => (config.text_config ?? config.llm_config ?? config) as Json;

const FAULTS: Record<string, Spoil> = {
  "a huge number": (random, layout, config) => {
    const { part, key } = pickKey(random, layout, config);
    part[key] = key === "fullatt_block_indexes" ? [-1, 1e300] : random.pick(HUGE);
    return { names: [key] };
  },
  "layers without end": (random, layout, config) => {
    const isVision = random.chance(0.5);
    const key = isVision && layout.startsWith("qwen") ? "depth" : "num_hidden_layers";
    (isVision ? (config.vision_config as Json) : textOf(config))[key] = random.pick([40, 4000, 1e6, ...HUGE]);
    return { names: [] };
  },
  "another form of a key": (random, layout, config) => {
    const { part, key } = pickKey(random, layout, config);
    part[key] = random.pick<unknown>(["seven", -1, 0.37, true, {}, [[1]], [null], { a: 1 }, 0]);
    return { names: [key] };
  },
  "a size that the weights do not have": (random, _, config) => {
    const part = random.chance(0.5) ? textOf(config) : (config.vision_config as Json);
    part.intermediate_size = (part.intermediate_size as number) + random.pick([-1, 1, 64]);
    return { names: [] };
  },
  "a part that is no object": (random, layout, config) => {
    const place = random.pick(Object.keys(KEYS[layout]).filter((key) => key !== ""));
    config[place] = random.pick<unknown>([7, "vit", [], [{}], false, true]);
    return { names: [] };
  },
  "quantised weights": (random, _, config) => {
    const method = random.pick(["bitsandbytes", "awq", "gptq", "fp8", "compressed-tensors"]);
    const part = random.chance(0.5) ? textOf(config) : config;
    part.quantization_config = { quant_method: method, bits: 4 };
    return { names: ["quantization_config", method] };
  },
  "another architecture": (random, _, config) => {
    const name = random.pick<unknown>(["LlamaForCausalLM", "__proto__", "constructor", 7, null, ["Qwen2_5_VL"]]);
    config.architectures = [name];
    return { names: ["architecture"] };
  },
  "no architecture": (random, _, config) => {
    config.architectures = random.pick<unknown>([[], null, "Qwen2_5_VLForConditionalGeneration", {}, undefined]);
    return { names: ["architecture"] };
  },
  "another model type": (random, _, config) => {
    config.model_type = random.pick<unknown>(["llama", "__proto__", "toString", 3, null, []]);
    return { names: [] };
  },
  "stretched positions": (random, _, config) => {
    const key = random.pick(["rope_scaling", "rope_parameters"]);
    textOf(config)[key] = random.pick<unknown>([
      "yarn",
      4,
      [],
      { rope_type: "yarn", factor: 4 },
      { type: {} },
      { rope_type: "linear" },
    ]);
    if (key === "rope_scaling") delete textOf(config).rope_parameters;
    return { names: ["rope"] };
  },
  "windows over text": (random, _, config) => {
    Object.assign(
      textOf(config),
      random.pick<Json>([{ use_sliding_window: true }, { layer_types: ["sliding_attention"] }, { layer_types: "all" }]),
    );
    return { names: [] };
  },
  "a tie that is no truth": (random, layout, config) => {
    const part = layout === "internvl/original" ? textOf(config) : config;
    part.tie_word_embeddings = random.pick<unknown>(["yes", 1, {}, "false"]);
    return { names: ["tie_word_embeddings"] };
  },
  "a tie without the weights for it": (_, layout, config) => {
    const isTied = (config.tie_word_embeddings ?? textOf(config).tie_word_embeddings) === true;
    for (const part of layout === "internvl/original" ? [textOf(config)] : [config, textOf(config)])
      part.tie_word_embeddings = !isTied;
    return { names: ["lm_head"] };
  },
  "another image token": (random, layout, config) => {
    if (layout === "internvl/original") delete config.ps_version;
    config.image_token_id = random.pick<unknown>([0, -1, 7, 1e9, "<image>", null, 0.5]);
    return { names: layout === "internvl/original" ? ["ps_version"] : [] };
  },
  "a key twice": (random, _, config) => {
    const key = random.pick(Object.keys(config));
    return { text: JSON.stringify(config).replace("{", `{${JSON.stringify(key)}:null,`), names: [key] };
  },
  "no JSON": (random, _, config) => {
    const text = JSON.stringify(config, null, 1);
    const cut = text.slice(0, random.int(0, text.length - 2));
    return {
      text: random.pick([cut, `${text}}`, text.replaceAll('"', "'"), text.replace(":", ": NaN,"), "\0\0"]),
      names: [],
    };
  },
  "something else": (random) => ({ text: JSON.stringify(random.pick([nonsense(random), [], "x"])), names: [] }),
  "text without end": (random) => ({
    text: random.pick(["[".repeat(1e6), `"${"a".repeat(1e6)}`, '{"a":'.repeat(1e5)]),
    names: [],
  }),
};

const generate: Generator = (random) => {
  const layout = random.pick(LAYOUTS);
  const config = jsonOf(layout, FILE);
  const name = random.pick(Object.keys(FAULTS));
  const { text, names } = FAULTS[name]!(random, layout, config);
  return opening(random, layout, { name, files: { [FILE]: text ?? JSON.stringify(config) }, names: [FILE, ...names] });
};
export default generate;
