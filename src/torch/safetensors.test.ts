import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { scratch } from "../../test/tiny.ts";
import { UserError } from "../util/errors.ts";
import { SafetensorsFile, writeSafetensors } from "./safetensors.ts";

const dir = scratch();
let files = 0;
const place = () => join(dir, `${files++}.safetensors`);

/** A file with that header, JSON or text, and that many data bytes. */
function fileOf(header: unknown, bytes = 0): string {
  const path = place();
  const text = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(path, Buffer.concat([length, text, Buffer.alloc(bytes)]));
  return path;
}

const infos = [
  { name: "ä", dtype: "float32" as const, shape: [2, 3] },
  { name: "empty", dtype: "int64" as const, shape: [0, 4] },
  { name: "scalar", dtype: "bfloat16" as const, shape: [] },
];
const contents: Record<string, Buffer> = {
  ä: Buffer.from(Float32Array.from([1, 2, 3, 4, 5, 6]).buffer),
  empty: Buffer.alloc(0),
  scalar: Buffer.from([0x80, 0x3f]),
};
function written(): string {
  const path = place();
  writeSafetensors(path, infos, ({ name }) => contents[name]!, { format: "pt" });
  return path;
}

describe("SafetensorsFile", () => {
  it("reads back what was written: order, types, shapes, bytes, metadata", () => {
    const file = new SafetensorsFile(written());
    expect(file.entries.map(({ name, dtype, shape }) => ({ name, dtype, shape }))).toEqual(infos);
    expect(file.metadata).toEqual({ format: "pt" });
    for (const entry of file.entries) expect(file.read(entry)).toEqual(contents[entry.name]);
  });

  it("starts the data at a multiple of eight, whatever bytes the names take", () => {
    expect(readFileSync(written()).readBigUInt64LE() % 8n).toBe(0n);
  });

  it("a file cut off anywhere is refused when it is opened", () => {
    const whole = readFileSync(written()).length;
    for (const length of [0, 7, 8, 9, 40, whole - 1]) {
      const path = written();
      truncateSync(path, length);
      expect(() => new SafetensorsFile(path), `${length} bytes`).toThrow(UserError);
      expect(() => new SafetensorsFile(path), `${length} bytes`).toThrow(path);
    }
  });

  const tensor = { dtype: "F32", shape: [2], data_offsets: [0, 8] };
  it.each<[string, unknown, RegExp]>([
    ["no JSON", "{'a': 1}", /its header is not JSON/],
    ["a list", [], /its header is not an object/],
    ["null", null, /its header is not an object/],
    ["an unknown type", { w: { ...tensor, dtype: "F7" } }, /tensor w has the unknown type F7/],
    ["a quantised type", { w: { ...tensor, dtype: "F8_E4M3" } }, /w is stored as F8_E4M3, which is not computed here/],
    ["a tensor twice", '{"w":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"w":{}}', /its header names w twice/],
    ["metadata that is no text", { __metadata__: { format: 1 }, w: tensor }, /__metadata__ does not map strings/],
    ["tensors that overlap", { w: tensor, v: { ...tensor, data_offsets: [0, 8] } }, /tensor v begins at byte/],
    ["a hole", { w: { ...tensor, shape: [1], data_offsets: [4, 8] } }, /tensor w begins at byte \d+, the one before/],
    ["bytes that are no tensor's", { w: { ...tensor, shape: [1], data_offsets: [0, 4] } }, /its tensors end at byte/],
    ["a type that is a word of JavaScript", { w: { ...tensor, dtype: "constructor" } }, /unknown type constructor/],
    [
      "bytes that do not fit the shape",
      { w: { ...tensor, shape: [3] } },
      /tensor w has 8 bytes where its shape wants 12/,
    ],
    [
      "a tensor beyond the end",
      { w: { ...tensor, data_offsets: [4, 12] } },
      /tensor w ends at byte \d+, the file at \d+/,
    ],
    ["a tensor before the start", { w: { ...tensor, data_offsets: [-8, 0] } }, /tensor w is described wrongly/],
    ["a range turned round", { w: { ...tensor, shape: [-2], data_offsets: [8, 0] } }, /tensor w is described wrongly/],
    ["no shape", { w: { dtype: "F32", data_offsets: [0, 8] } }, /tensor w is described wrongly/],
    ["no range", { w: { dtype: "F32", shape: [2] } }, /tensor w is described wrongly/],
    ["a number", { w: 3 }, /tensor w is described wrongly/],
  ])("refuses a header with %s", (_, header, message) => {
    const path = fileOf(header, 8);
    expect(() => new SafetensorsFile(path)).toThrow(message);
    expect(() => new SafetensorsFile(path)).toThrow(UserError);
    expect(() => new SafetensorsFile(path)).toThrow(path);
  });

  it("refuses a header that claims to be longer than the file, and a file that is not there", () => {
    const path = place();
    const length = Buffer.alloc(16);
    length.writeBigUInt64LE(2n ** 60n);
    writeFileSync(path, length);
    expect(() => new SafetensorsFile(path)).toThrow(/its header wants \d+ bytes, the file has 16/);
    expect(() => new SafetensorsFile(join(dir, "absent.safetensors"))).toThrow(/absent\.safetensors cannot be read/);
  });
});
