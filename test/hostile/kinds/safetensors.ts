/** @file Weight files: headers that lie, bytes that are missing or not finite, tensors that do not belong. */
import type { Random } from "../../../src/util/random.ts";
import { bytesOf, type Layout, opening } from "../checkpoint.ts";
import type { Content, Generator } from "../hostile.ts";
import { type Described, fileOf, type Header, partsOf } from "../tensors.ts";

const FILE = "model.safetensors";
const SINGLE: readonly Layout[] = ["qwen2_5_vl/tied", "internvl/tied", "internvl/original"];

/** What to do to one tensor of a header, and the words that the error must have beside the file's name. */
const TENSOR_FAULTS: Record<string, (tensor: Described, random: Random) => void> = {
  "an unknown type": (tensor, random) => (tensor.dtype = random.pick(["F7", "", "constructor", "f32", "__proto__"])),
  "a quantised type": (tensor, random) => (tensor.dtype = random.pick(["F8_E4M3", "F8_E5M2", "I8", "U16", "F4"])),
  "a shape that is negative": (tensor) => (tensor.shape = tensor.shape.map((size) => -size)),
  "a shape in fractions": (tensor) => (tensor.shape = [0.5, ...tensor.shape, 2]),
  "a shape without end": (tensor) => (tensor.shape = [2 ** 52, 2 ** 52, 2 ** 52]),
  "a shape that is text": (tensor) => Object.assign(tensor, { shape: "all" }),
  "another shape": (tensor) => tensor.shape.push(7),
  "no shape": (tensor) => Reflect.deleteProperty(tensor, "shape"),
  "offsets that run backwards": (tensor) => tensor.data_offsets.reverse(),
  "offsets beyond the end": (tensor, random) => {
    const far = random.pick([2 ** 31, 2 ** 40, 2 ** 52]);
    tensor.data_offsets = [tensor.data_offsets[0] + far, tensor.data_offsets[1] + far];
  },
  "offsets before the start": (tensor) => {
    tensor.data_offsets = [tensor.data_offsets[0] - 2 ** 30, tensor.data_offsets[1] - 2 ** 30];
  },
  "offsets in fractions": (tensor) => (tensor.data_offsets = [0.5, 8.5]),
  "offsets of another tensor": (tensor) => {
    const length = tensor.data_offsets[1] - tensor.data_offsets[0];
    const start = tensor.data_offsets[0] === 0 ? length : 0;
    tensor.data_offsets = [start, start + length];
  },
};

type Spoil = (random: Random, header: Header, data: Buffer) => { file: Content; names?: string[] };

const pickName = (random: Random, header: Header) =>
  random.pick(Object.keys(header).filter((name) => name !== "__metadata__"));

const FAULTS: Record<string, Spoil> = {
  "cut off": (random, header, data) => {
    const whole = fileOf(header, data);
    return { file: whole.subarray(0, random.int(0, whole.length - 1)) };
  },
  "more bytes than tensors": (random, header, data) => ({
    file: fileOf(header, Buffer.concat([data, Buffer.alloc(random.int(1, 4096))])),
  }),
  "a header of another length": (random, header, data) => {
    const bytes = fileOf(header, data);
    bytes.writeBigUInt64LE(random.pick([0n, 1n, 2n ** 31n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n, 150_000n]));
    return { file: bytes };
  },
  "a header that is not JSON": (random, header, data) => {
    const text = JSON.stringify(header);
    const at = random.int(0, text.length - 2);
    return {
      file: fileOf(random.pick([text.slice(0, at), `${text}x`, text.replaceAll('"', "'"), "\n".repeat(99)]), data),
    };
  },
  "a header that is not an object": (random, _, data) => ({
    file: fileOf(random.pick(["[]", "null", "3", '"w"', "true"]), data),
  }),
  "a header nested without end": (_, header, data) => ({
    file: fileOf(`{"x":${"[".repeat(2e5)}${"]".repeat(2e5)},${JSON.stringify(header).slice(1)}`, data),
  }),
  "random bytes": (random) => ({ file: Buffer.from(Array.from({ length: 999 }, () => random.int(0, 255))) }),
  "a folder in its place": () => ({ file: null }),
  "a tensor named twice": (random, header, data) => {
    const name = pickName(random, header);
    const [first, second] = [{ [name]: header[name] }, header].map((part) => JSON.stringify(part));
    return { file: fileOf(`${first!.slice(0, -1)},${second!.slice(1)}`, data), names: [FILE, name] };
  },
  "metadata that is no text": (random, header, data) => ({
    file: fileOf({ __metadata__: random.pick<unknown>([3, [], { format: 3 }, { format: {} }]), ...header }, data),
    names: [FILE, "__metadata__"],
  }),
  "a tensor that is missing": (random, header, data) => {
    const { [pickName(random, header)]: _, ...rest } = header;
    return { file: fileOf(rest, data), names: [FILE] };
  },
  "a tensor that no model has": (random, header, data) => {
    const name = random.pick(["__proto__", "", "model.layers.99.mlp.up_proj.weight", "lm_head.bias", "toString"]);
    const text = JSON.stringify(header);
    const added = `${JSON.stringify(name)}:${JSON.stringify({ dtype: "F32", shape: [1], data_offsets: [data.length, data.length + 4] })}`;
    return {
      file: fileOf(`${text.slice(0, -1)},${added}}`, Buffer.concat([data, Buffer.alloc(4)])),
      names: [FILE, name],
    };
  },
  "a tensor of integers": (random, header, data) => {
    const name = pickName(random, header);
    const { dtype, shape } = header[name]!;
    if (dtype === "BF16") header[name] = { ...header[name]!, dtype: "BOOL", shape: [...shape, 2] };
    else header[name]!.dtype = "I32";
    return { file: fileOf(header, data), names: [FILE, name] };
  },
  "values that are not finite": (random, header, data) => {
    const name = pickName(random, header);
    const { dtype, data_offsets } = header[name]!;
    const bytes = Buffer.from(data);
    const width = dtype === "BF16" ? 2 : 4;
    const at = data_offsets[0] + width * random.int(0, (data_offsets[1] - data_offsets[0]) / width - 1) + width - 2;
    bytes.writeUInt16LE(random.pick([0x7fc0, 0x7f80, 0xff80, 0xffff]), at);
    return { file: fileOf(header, bytes), names: [FILE, name] };
  },
  "a link out of the folder": (random) => ({
    file: { link: random.pick(["/etc/hostname", "../../victim.safetensors", "../data.jsonl"]) },
  }),
};

for (const [name, change] of Object.entries(TENSOR_FAULTS))
  FAULTS[name] = (random, header, data) => {
    const tensor = pickName(random, header);
    change(header[tensor]!, random);
    return { file: fileOf(header, data) };
  };

const generate: Generator = (random) => {
  const layout = random.pick(SINGLE);
  const { header, data } = partsOf(bytesOf(layout, FILE));
  const name = random.pick(Object.keys(FAULTS));
  const spoiled = FAULTS[name]!(random, header, data);
  const files = spoiled.file === null ? { [`${FILE}/x`]: "" } : {};
  return opening(random, layout, {
    name,
    files: { [FILE]: spoiled.file, ...files },
    names: spoiled.names ?? [FILE],
  });
};
export default generate;
