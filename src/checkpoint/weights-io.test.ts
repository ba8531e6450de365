import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { DEVICE } from "../../test/device.ts";
import { loadGolden } from "../../test/golden/golden.ts";
import { scratch } from "../../test/tiny.ts";
import { readModel } from "../models/architectures.ts";
import { cast, mul_ } from "../torch/ops.ts";
import { SafetensorsFile, type TensorInfo, writeSafetensors } from "../torch/safetensors.ts";
import { bytesPer, disposeAll, liveTensors, tidy } from "../torch/tensor.ts";
import { UserError } from "../util/errors.ts";
import { readWeights, writeWeights } from "./weights-io.ts";

const dir = scratch();
let copies = 0;
const copyOf = (name: string) => {
  const copy = join(dir, String(copies++));
  cpSync(loadGolden(name).dir, copy, { recursive: true });
  return copy;
};

/** Rewrites a safetensors file with its tensors changed; new ones hold zeros. */
function edit(path: string, change: (tensors: readonly TensorInfo[]) => readonly TensorInfo[]): void {
  const file = new SafetensorsFile(path);
  const bytes = new Map(file.entries.map((entry) => [entry.name, file.read(entry)]));
  writeSafetensors(path, change(file.entries), ({ name, dtype, shape }) => {
    const size = shape.reduce((a, b) => a * b, bytesPer[dtype]);
    const known = bytes.get(name);
    return known?.length === size ? known : Buffer.alloc(size);
  });
}

/** Changes the weight map of a folder's index. */
function editIndex(folder: string, change: (map: Record<string, string>) => void): void {
  const path = join(folder, "model.safetensors.index.json");
  const json = JSON.parse(readFileSync(path, "utf8")) as { weight_map: Record<string, string> };
  change(json.weight_map);
  writeFileSync(path, JSON.stringify(json));
}

const open = (folder: string) => readWeights(folder, readModel(folder), DEVICE);

/** The golden checkpoint with a head of its own in the last of its files, where it has one in common with the embeddings. */
function withHead(name: string, head: string, change: (values: Buffer) => void): { folder: string; path: string } {
  const folder = copyOf(name);
  const files = readdirSync(folder)
    .filter((file) => file.endsWith(".safetensors"))
    .sort();
  const path = join(folder, files.at(-1)!);
  const all = new Map(
    files.flatMap((file) => {
      const opened = new SafetensorsFile(join(folder, file));
      return opened.entries.map((entry) => [entry.name, { entry, bytes: opened.read(entry) }] as const);
    }),
  );
  const [embeddings] = [...all].filter(([stored]) => stored.endsWith("embed_tokens.weight")).map(([, found]) => found);
  const values = Buffer.from(embeddings!.bytes);
  change(values);
  const own = new SafetensorsFile(path);
  writeSafetensors(
    path,
    [...own.entries, { ...embeddings!.entry, name: head }],
    (info) => (info.name === head ? values : all.get(info.name)!.bytes),
    own.metadata,
  );
  const index = join(folder, "model.safetensors.index.json");
  if (existsSync(index)) {
    const json = JSON.parse(readFileSync(index, "utf8")) as { weight_map: Record<string, string> };
    json.weight_map[head] = files.at(-1)!;
    writeFileSync(index, `${JSON.stringify(json, null, 2)}\n`);
  }
  return { folder, path };
}

/** The error of reading a folder that must not be read; nothing of it stays in memory. */
function refusal(folder: string): string {
  const before = liveTensors();
  try {
    open(folder);
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    expect(liveTensors()).toEqual(before);
    return (error as Error).message;
  }
  throw new Error("it was read");
}

describe("readWeights", () => {
  it("lists every tensor that is missing, misshapen or unknown, with its file", () => {
    const folder = copyOf("tied");
    const path = join(folder, "model.safetensors");
    const [norm, bias] = ["model.norm.weight", "model.layers.1.self_attn.k_proj.bias"];
    edit(path, (tensors) => [
      ...tensors
        .filter(({ name }) => name !== norm)
        .map((info) => (info.name === bias ? { ...info, shape: [info.shape[0]!, 1] } : info)),
      { name: "model.layers.7.mlp.up_proj.weight", dtype: "float32", shape: [1] },
    ]);
    const message = refusal(folder);
    expect(message).toContain(`The weights in ${folder} do not fit its config.json`);
    expect(message).toContain("model.language_model.norm.weight is missing");
    expect(message).toMatch(new RegExp(`${bias} has shape \\[16,1\\], the config wants \\[16\\] \\(in ${path}\\)`));
    expect(message).toContain(`model.layers.7.mlp.up_proj.weight is not a parameter of this architecture (in ${path})`);
  });

  it("shows ten faults and counts the rest", () => {
    const folder = copyOf("tied");
    edit(join(folder, "model.safetensors"), () => []);
    const message = refusal(folder);
    expect(message.match(/ is missing$/gm)).toHaveLength(10);
    expect(message).toMatch(/… and \d+ more/);
  });

  it("refuses a parameter that is stored twice, under the names of two layouts", () => {
    const folder = copyOf("tied");
    const again = { name: "model.language_model.norm.weight", dtype: "float32" as const, shape: [48] };
    edit(join(folder, "model.safetensors"), (tensors) => [...tensors, again]);
    expect(refusal(folder)).toContain("model.language_model.norm.weight is stored twice");
  });

  it("names a shard that is missing or cut off", () => {
    const folder = copyOf("sharded");
    const shard = join(folder, "model-00003-of-00006.safetensors");
    truncateSync(shard, 1000);
    expect(refusal(folder)).toContain(`${shard} is not a whole safetensors file`);
    rmSync(shard);
    expect(refusal(folder)).toContain(`${shard} cannot be read`);
  });

  it("names an index without a weight map, and a folder without weights", () => {
    const folder = copyOf("sharded");
    const index = join(folder, "model.safetensors.index.json");
    writeFileSync(index, "{}");
    expect(refusal(folder)).toContain(`${index} has no weight_map`);
    rmSync(index);
    expect(refusal(folder)).toContain(`${join(folder, "model.safetensors")} cannot be read`);
  });

  it.each([
    ["a path out of the folder", "../victim.safetensors"],
    ["a file that is not safetensors", "config.json"],
    ["an absolute path", "/etc/victim.safetensors"],
  ])("refuses an index that names %s", (_, shard) => {
    const folder = copyOf("sharded");
    editIndex(folder, (map) => Object.assign(map, { "model.norm.weight": shard }));
    expect(refusal(folder)).toContain(`weight_map names "${shard}" for model.norm.weight`);
  });

  it("refuses an index that names what its shards do not hold, and one beside a single file", () => {
    const folder = copyOf("sharded");
    editIndex(folder, (map) => Object.assign(map, { "a.weight": Object.values(map)[0] }));
    expect(refusal(folder)).toMatch(
      /index\.json names tensors that are not there: one fault\n {2}a\.weight: is not in/,
    );
    writeFileSync(join(folder, "model.safetensors"), "");
    expect(refusal(folder)).toContain("has both model.safetensors and model.safetensors.index.json");
  });

  it("refuses a link that leads out of the folder, and follows those of the hub's cache", () => {
    const folder = copyOf("tied");
    const weights = join(folder, "model.safetensors");
    const repo = join(dir, "models--org--name");
    const blob = join(repo, "blobs", "0".repeat(64));
    mkdirSync(join(repo, "blobs"), { recursive: true });
    renameSync(weights, blob);
    symlinkSync(blob, weights);
    disposeAll(open(folder).parameters);
    rmSync(weights);
    renameSync(blob, join(dir, "elsewhere.safetensors"));
    symlinkSync(join(dir, "elsewhere.safetensors"), weights);
    expect(refusal(folder)).toContain(`${weights} is a link out of the folder`);
  });

  it.each([
    ["NaN", 0x7fc0],
    ["infinity", 0x7f80],
    ["minus infinity", 0xff80],
  ])("refuses weights with %s, naming file and tensor", (_, bits) => {
    const folder = copyOf("released");
    const path = join(folder, "model-00001-of-00004.safetensors");
    const file = new SafetensorsFile(path);
    const bytes = readFileSync(path);
    bytes.writeUInt16LE(bits, file.entries[1]!.end - 2);
    writeFileSync(path, bytes);
    expect(refusal(folder)).toContain(`${path}: ${file.entries[1]!.name} has values that are not finite`);
  });

  it("takes large finite weights of 16 bits, whose sum overflows, and refuses integers", () => {
    const folder = copyOf("tied");
    const path = join(folder, "model.safetensors");
    const large = Buffer.from(new Uint16Array(48).fill(0x7bff).buffer);
    const rewrite = (dtype: "float16" | "int64", bytes: Buffer) => {
      const file = new SafetensorsFile(path);
      const isNorm = (name: string) => name === "model.norm.weight";
      const old = new Map(file.entries.map((entry) => [entry.name, file.read(entry)]));
      const infos = file.entries.map((info) => (isNorm(info.name) ? { ...info, dtype } : info));
      writeSafetensors(path, infos, ({ name }) => (isNorm(name) ? bytes : old.get(name)!));
    };
    rewrite("float16", large);
    disposeAll(open(folder).parameters);
    rewrite("int64", Buffer.alloc(8 * 48));
    expect(refusal(folder)).toContain("model.norm.weight is stored as int64");
  });

  it("reads past stored rotary tables; what is written names only what it holds", () => {
    const folder = copyOf("released");
    const indexFile = "model.safetensors.index.json";
    const index = JSON.parse(readFileSync(join(folder, indexFile), "utf8")) as { weight_map: Record<string, string> };
    const shard = Object.values(index.weight_map)[0]!;
    const table = "model.layers.0.self_attn.rotary_emb.inv_freq";
    edit(join(folder, shard), (tensors) => [...tensors, { name: table, dtype: "float32", shape: [8] }]);
    const weight_map = { ...index.weight_map, [table]: shard };
    writeFileSync(join(folder, indexFile), JSON.stringify({ ...index, weight_map }));

    const { parameters, layout } = open(folder);
    const out = mkdtempSync(join(dir, "out-"));
    writeWeights(out, readModel(folder), parameters, layout);
    disposeAll(parameters);
    const held = new SafetensorsFile(join(out, shard)).entries.map(({ name }) => name);
    expect(held).not.toContain(table);
    expect(JSON.parse(readFileSync(join(out, indexFile), "utf8"))).toEqual(index);
  });
});

// In one file and in shards, by the names of each layout.
describe.each([
  ["qwen2_5_vl/tied", "lm_head.weight"],
  ["qwen2_5_vl/released", "lm_head.weight"],
  ["internvl/deep", "lm_head.weight"],
  ["internvl/normed", "language_model.lm_head.weight"],
])("a head stored beside tied embeddings in %s", (name, head) => {
  it("is read past and written again when it holds the same, with what the embeddings have become", () => {
    const { folder, path } = withHead(name, head, () => {});
    const { parameters, layout } = open(folder);
    const out = mkdtempSync(join(dir, "out-"));
    writeWeights(out, readModel(folder), parameters, layout);
    for (const file of readdirSync(out))
      expect(readFileSync(join(out, file)).equals(readFileSync(join(folder, file))), file).toBe(true);

    const embeddings = [...parameters].find(([parameter]) => parameter.endsWith("embed_tokens.weight"))![1];
    mul_(embeddings, 2);
    writeWeights(out, readModel(folder), parameters, layout);
    const written = new SafetensorsFile(path.replace(folder, out));
    const values = written.read(written.entries.find((entry) => entry.name === head)!);
    const doubled = tidy(() => cast(embeddings, layout.files.at(-1)!.tensors.at(-1)!.dtype).toBytes());
    disposeAll(parameters);
    expect(values.equals(doubled)).toBe(true);
  });

  it("is refused when it differs, be it in one bit, naming the file, the tensor and what to do", () => {
    const { folder, path } = withHead(name, head, (values) => (values[values.length - 2]! ^= 1));
    const message = refusal(folder);
    expect(message).toContain(`${path} stores ${head} with other values than model.language_model.embed_tokens.weight`);
    expect(message).toContain(`${folder}/config.json ties the two`);
    expect(message).toContain("set tie_word_embeddings to false");
  });
});
