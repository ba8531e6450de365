/** @file Indexes of shards: ways out of the folder, files and tensors that are not there, forms that are none. */
import type { Random } from "../../../src/util/random.ts";
import { jsonOf, nonsense, opening } from "../checkpoint.ts";
import type { Content, Generator } from "../hostile.ts";

const LAYOUT = "qwen2_5_vl/released";
const FILE = "model.safetensors.index.json";
const SHARD = "model-00002-of-00004.safetensors";

type Index = { weight_map: Record<string, unknown> } & Record<string, unknown>;
interface Spoiled {
  readonly files: Record<string, Content>;
  readonly names?: readonly string[];
}

const pickTensor = (random: Random, { weight_map }: Index) => random.pick(Object.keys(weight_map));

/** An index whose map has another file for some of its tensors. */
function naming(random: Random, index: Index, shard: unknown): Spoiled {
  const tensors = Object.keys(index.weight_map).filter(() => random.chance(0.3));
  for (const tensor of [pickTensor(random, index), ...tensors]) index.weight_map[tensor] = shard;
  return { files: { [FILE]: JSON.stringify(index) }, names: [FILE] };
}

const FAULTS: Record<string, (random: Random, index: Index) => Spoiled> = {
  "a way out of the folder": (random, index) =>
    naming(
      random,
      index,
      random.pick([
        ...["../victim.txt", "../victim.safetensors", "../../victim.txt", "../../victim.safetensors"],
        ...["/etc/passwd", "/tmp/victim.safetensors", "sub/../../../victim.safetensors", "..\\victim.safetensors"],
        ...["..", ".", "", "./model-00001-of-00004.safetensors", "\0.safetensors"],
      ]),
    ),
  "a file that is no shard": (random, index) =>
    naming(random, index, random.pick(["config.json", "tokenizer.json", "pytorch_model.bin", FILE])),
  "a shard that is no text": (random, index) => naming(random, index, random.pick<unknown>([7, null, {}, ["a"], true])),
  "a shard that is not there": (random, index) => ({
    ...naming(random, index, "model-00009-of-00004.safetensors"),
    names: ["model-00009-of-00004.safetensors"],
  }),
  "a shard that is removed": (_, index) => ({
    files: { [FILE]: JSON.stringify(index), [SHARD]: null },
    names: [SHARD],
  }),
  "a shard that is a link out of the folder": (random) => ({
    files: { [SHARD]: { link: random.pick(["/etc/hostname", "../../victim.safetensors", "/"]) } },
    names: [SHARD],
  }),
  "a tensor that no shard has": (random, index) => {
    const name = random.pick(["lm_head.extra", "__proto__x", "model.layers.7.mlp.up_proj.weight"]);
    index.weight_map[name] = SHARD;
    return { files: { [FILE]: JSON.stringify(index) }, names: [FILE, name] };
  },
  "a tensor in another shard than it says": (random, index) => {
    const name = pickTensor(random, index);
    index.weight_map[name] = Object.values(index.weight_map).find((shard) => shard !== index.weight_map[name]);
    return { files: { [FILE]: JSON.stringify(index) }, names: [FILE, name] };
  },
  "no map": (random, index) => {
    const value = random.pick<unknown>([null, [], "all", 3, undefined]);
    return { files: { [FILE]: JSON.stringify({ ...index, weight_map: value }) }, names: [FILE, "weight_map"] };
  },
  "an empty map": (_, index) => ({
    files: { [FILE]: JSON.stringify({ ...index, weight_map: {} }) },
    names: ["config.json"],
  }),
  "a map that leaves a shard out": (_, index) => {
    const kept = Object.entries(index.weight_map).filter(([, shard]) => shard !== SHARD);
    return {
      files: { [FILE]: JSON.stringify({ ...index, weight_map: Object.fromEntries(kept) }) },
      names: ["config.json"],
    };
  },
  "a key twice": (random, index) => {
    const name = pickTensor(random, index);
    const text = JSON.stringify(index).replace('"weight_map":{', `"weight_map":{${JSON.stringify(name)}:"${SHARD}",`);
    return { files: { [FILE]: text }, names: [FILE, name] };
  },
  "a file beside the shards": (_, index) => ({
    files: { [FILE]: JSON.stringify(index), "model.safetensors": "" },
    names: ["model.safetensors"],
  }),
  "no JSON": (random, index) => {
    const text = JSON.stringify(index, null, 1);
    return {
      files: { [FILE]: random.pick([text.slice(0, random.int(0, text.length - 2)), `${text},`, "\u0000"]) },
      names: [FILE],
    };
  },
  "something else": (random) => ({
    files: { [FILE]: JSON.stringify(random.pick([nonsense(random), []])) },
    names: [FILE],
  }),
};

const generate: Generator = (random) => {
  const name = random.pick(Object.keys(FAULTS));
  const { files, names = [] } = FAULTS[name]!(random, jsonOf(LAYOUT, FILE) as Index);
  return opening(random, LAYOUT, { name, files, names });
};
export default generate;
