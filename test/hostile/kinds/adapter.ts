/** @file Adapters: bases that are not there, matrices that do not fit, modules and settings that are not computed. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Random } from "../../../src/util/random.ts";
import { adapterDir } from "../../golden/lora/golden.ts";
import { folderOf, type Json, opening } from "../checkpoint.ts";
import type { Content, Generator } from "../hostile.ts";
import { fileOf, partsOf } from "../tensors.ts";

const LAYOUT = "qwen2_5_vl/released";
const CONFIG = "adapter_config.json";
const TENSORS = "adapter_model.safetensors";

const parts = () => partsOf(readFileSync(join(adapterDir, TENSORS)));

/** The adapter with one of its matrices under another name. */
function renamed(random: Random, name: string): Buffer {
  const { header, data } = parts();
  const names = Object.keys(header);
  const gone = random.pick(names);
  return fileOf(Object.fromEntries(names.map((each) => [each === gone ? name : each, header[each]!])), data);
}

interface Spoiled {
  readonly files: Readonly<Record<string, Content>>;
  readonly names: readonly string[];
}

/** A fault in the settings: a key and its value. */
function setting(config: Json, key: string, value: unknown): Spoiled {
  return { files: { [CONFIG]: JSON.stringify({ ...config, [key]: value }) }, names: [CONFIG, key] };
}

const FAULTS: Record<string, (random: Random, config: Json) => Spoiled> = {
  "a base that is not there": (random, config) => ({
    files: {
      [CONFIG]: JSON.stringify({
        ...config,
        base_model_name_or_path: random.pick(["/nowhere", "./nothing/at/all", "org/name"]),
      }),
    },
    names: ["adapter for"],
  }),
  "a base that is no name": (random, config) =>
    setting(config, "base_model_name_or_path", random.pick<unknown>([null, "", 7, [], {}])),
  "another base": (random, config) => ({
    files: {
      [CONFIG]: JSON.stringify({
        ...config,
        base_model_name_or_path: folderOf(random.pick(["internvl/tied", "qwen2_5_vl/tied"])),
      }),
    },
    names: [CONFIG, "base_model_name_or_path"],
  }),
  "a rank that is none": (random, config) =>
    setting(config, "r", random.pick<unknown>([0, -1, 0.5, "8", 1e9, null, 1e300])),
  "a rank of other matrices": (random, config) => ({
    files: { [CONFIG]: JSON.stringify({ ...config, r: random.pick([1, 7, 4000]) }) },
    names: [CONFIG, "rank"],
  }),
  "a scale that is none": (random, config) =>
    setting(config, "lora_alpha", random.pick<unknown>([0, -4, "16", 1e300, null, []])),
  "what is not computed": (random, config) => {
    const [key, value] = random.pick<[string, unknown]>([
      ...([
        ["use_dora", true],
        ["use_rslora", true],
        ["bias", "all"],
        ["modules_to_save", ["lm_head"]],
      ] as [string, unknown][]),
      ...([
        ["rank_pattern", { q_proj: 3 }],
        ["layer_replication", [[0, 2]]],
        ["peft_type", "IA3"],
      ] as [string, unknown][]),
      ...([
        ["init_lora_weights", "pissa"],
        ["lora_dropout", 1.5],
        ["something_new", true],
      ] as [string, unknown][]),
    ]);
    return setting(config, key, value);
  },
  "a module that is not computed": (random) => {
    const module = random.pick([
      ...["lm_head.lora_A.weight", "model.language_model.embed_tokens.lora_embedding_A"],
      ...["model.visual.patch_embed.proj.lora_B.weight", "model.language_model.norm.weight"],
    ]);
    return {
      files: { [TENSORS]: renamed(random, `base_model.model.${module}`) },
      names: [TENSORS, module.split(".lora")[0]!.replace(/\.weight$/, "")],
    };
  },
  "a module that no base has": (random) => {
    const name = random.pick(["base_model.model.model.layers.99.mlp.up_proj.lora_A.weight", "x", "", "__proto__"]);
    return { files: { [TENSORS]: renamed(random, name) }, names: [CONFIG, name] };
  },
  "half a pair": () => {
    const { header, data } = parts();
    const last = Object.keys(header)
      .sort((a, b) => header[a]!.data_offsets[0] - header[b]!.data_offsets[0])
      .at(-1)!;
    const { [last]: gone, ...rest } = header;
    return { files: { [TENSORS]: fileOf(rest, data.subarray(0, gone!.data_offsets[0])) }, names: [CONFIG, "alone"] };
  },
  "no matrix": () => ({ files: { [TENSORS]: fileOf({}, Buffer.alloc(0)) }, names: [TENSORS] }),
  "matrices that are not finite": (random) => {
    const { header, data } = parts();
    const name = random.pick(Object.keys(header));
    data.writeFloatLE(random.pick([Number.NaN, Number.POSITIVE_INFINITY]), header[name]!.data_offsets[0]);
    return { files: { [TENSORS]: fileOf(header, data) }, names: [TENSORS, name] };
  },
  "a file that is cut off": (random) => {
    const whole = readFileSync(join(adapterDir, TENSORS));
    return { files: { [TENSORS]: whole.subarray(0, random.int(0, whole.length - 1)) }, names: [TENSORS] };
  },
  "matrices that are missing": () => ({ files: { [TENSORS]: null }, names: [TENSORS] }),
  "a link out of the folder": (random) => {
    const name = random.pick([CONFIG, TENSORS]);
    return { files: { [name]: { link: random.pick(["/etc/hostname", "../data.jsonl"]) } }, names: [name] };
  },
  "no JSON": (random, config) => ({
    files: { [CONFIG]: random.pick([JSON.stringify(config).slice(0, -1), "{", "[]", "null", '{"r":1,"r":2}']) },
    names: [CONFIG],
  }),
};

const generate: Generator = (random) => {
  const stored = JSON.parse(readFileSync(join(adapterDir, CONFIG), "utf8")) as Json;
  const config = { ...stored, base_model_name_or_path: folderOf(LAYOUT) };
  const name = random.pick(Object.keys(FAULTS));
  const { files, names } = FAULTS[name]!(random, config);
  const input = opening(random, LAYOUT, { name, files: { [CONFIG]: JSON.stringify(config), ...files }, names });
  return { ...input, bases: { model: adapterDir } };
};
export default generate;
