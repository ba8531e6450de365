/**
 * @file The safetensors format, read and written: an 8-byte little-endian header length, a JSON header naming each tensor's
 * type, shape and byte range, then the bytes.
 */
import { closeSync, fsyncSync, openSync, readSync, type Stats, statSync, writeSync } from "node:fs";
import { z } from "zod";
import { duplicateKey } from "../util/duplicate-key.ts";
import { messageOf, UserError } from "../util/errors.ts";
import { isObject } from "../util/json-object.ts";
import { bytesPer, type DType } from "./dtype.ts";
import { filled, piecesOf } from "./pieces.ts";
import { Tensor, tidy } from "./tensor.ts";

const names = new Map<string, DType>([
  ["F64", "float64"],
  ["F32", "float32"],
  ["F16", "float16"],
  ["BF16", "bfloat16"],
  ["I64", "int64"],
  ["I32", "int32"],
  ["U8", "uint8"],
  ["BOOL", "bool"],
]);
const codes = new Map([...names].map(([code, dtype]) => [dtype, code]));
/** Types of the format in which nothing is computed here; weights of one byte or less are quantised ones. */
const OTHER_TYPES = /^(F4|F6_E[23]M[23]|F8_E\w+|I8|I16|U16|U32|U64|C64)$/;

/** Bytes that a header may have, as in the format's own library. */
const LARGEST_HEADER = 100_000_000;

const count = z.int().nonnegative();
const description = z.object({ dtype: z.string(), shape: z.array(count), data_offsets: z.tuple([count, count]) });
const metadata = z.record(z.string(), z.string());

export interface TensorInfo {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

interface Entry extends TensorInfo {
  /** Byte range in the file. */
  readonly start: number;
  readonly end: number;
}

/** A safetensors file opened for reading: its header is checked whole, tensors are read one at a time. */
export class SafetensorsFile {
  readonly path: string;
  readonly entries: readonly Entry[];
  readonly metadata: Readonly<Record<string, string>> | undefined;

  /** @throws UserError when the file is missing, truncated or not safetensors. */
  constructor(path: string) {
    this.path = path;
    const fail: (what: string) => never = (what) => {
      throw new UserError(`${path} is not a whole safetensors file: ${what}.`, "Download or copy the file again.");
    };
    let found: Stats;
    try {
      found = statSync(path);
    } catch (error) {
      throw new UserError(
        `${path} cannot be read: ${messageOf(error)}`,
        "Is the path right, and the download complete? Weights are read from safetensors files only.",
      );
    }
    if (!found.isFile()) fail("it is not a file");
    const { size } = found;
    if (size < 8) fail(`it has only ${size} bytes`);
    const headerLength = Number(this.#bytes(0, 8).readBigUInt64LE());
    const data = 8 + headerLength;
    if (data > size) fail(`its header wants ${headerLength} bytes, the file has ${size}`);
    if (headerLength > LARGEST_HEADER) fail(`its header has ${headerLength} bytes, more than ${LARGEST_HEADER}`);
    const header = this.#header(data, fail);
    const described = metadata.optional().safeParse(header.__metadata__);
    if (!described.success) fail("its __metadata__ does not map strings to strings");
    this.metadata = described.data;
    const entries: Entry[] = [];
    for (const [name, value] of Object.entries(header)) {
      if (name === "__metadata__") continue;
      const tensor = description.safeParse(value);
      if (!tensor.success) fail(`tensor ${name} is described wrongly in its header`);
      const { dtype: code, shape, data_offsets: range } = tensor.data;
      if (OTHER_TYPES.test(code))
        throw new UserError(
          `${path}: tensor ${name} is stored as ${code}, which is not computed here.`,
          "Use the checkpoint that it was made from, in bfloat16, float16 or float32.",
        );
      const dtype = names.get(code) ?? fail(`tensor ${name} has the unknown type ${code}`);
      const bytes = shape.reduce((a, b) => a * b, bytesPer[dtype]);
      if (range[1] - range[0] !== bytes)
        fail(`tensor ${name} has ${range[1] - range[0]} bytes where its shape wants ${bytes}`);
      if (data + range[1] > size) fail(`tensor ${name} ends at byte ${data + range[1]}, the file at ${size}`);
      entries.push({ name, dtype, shape, start: data + range[0], end: data + range[1] });
    }
    let end = data;
    for (const entry of entries.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
      if (entry.start !== end)
        fail(`tensor ${entry.name} begins at byte ${entry.start}, the one before ends at ${end}`);
      end = entry.end;
    }
    if (end !== size) fail(`its tensors end at byte ${end}, the file at ${size}`);
    this.entries = entries;
  }

  /** The tensor's raw little-endian bytes, or the first `most` of them. */
  read(entry: Entry, most = Number.POSITIVE_INFINITY): Buffer {
    return this.#bytes(entry.start, Math.min(entry.end - entry.start, most));
  }

  /** The tensor on the CPU, in the type it is stored in. */
  tensor(entry: Entry): Tensor {
    const file = openSync(this.path, "r");
    try {
      return filled(entry.shape, entry.dtype, (piece, at) => this.#fill(file, piece, entry.start + at));
    } finally {
      closeSync(file);
    }
  }

  #header(end: number, fail: (what: string) => never): Record<string, unknown> {
    const text = this.#bytes(8, end - 8).toString("utf8");
    let header: unknown;
    try {
      header = JSON.parse(text);
    } catch (error) {
      return fail(`its header is not JSON (${messageOf(error).replaceAll(/\s+/g, " ")})`);
    }
    if (!isObject(header)) return fail("its header is not an object");
    const twice = duplicateKey(text);
    if (twice !== undefined) return fail(`its header names ${twice} twice`);
    return header;
  }

  #bytes(start: number, length: number): Buffer {
    const buffer = Buffer.alloc(length);
    const file = openSync(this.path, "r");
    try {
      this.#fill(file, buffer, start);
    } finally {
      closeSync(file);
    }
    return buffer;
  }

  /** Reads into all of `bytes`, fewer than 2 GiB, from a place in the file. */
  #fill(file: number, bytes: Uint8Array, start: number): void {
    for (let done = 0; done < bytes.length; ) {
      const read = readSync(file, bytes, done, bytes.length - done, start + done);
      if (read === 0) throw new UserError(`${this.path} ended while it was read.`, "Download or copy the file again.");
      done += read;
    }
  }
}

/** Bytes that tensors take in a file, beside its header. */
export function bytesOf(tensors: readonly TensorInfo[]): number {
  return tensors.reduce((total, { shape, dtype }) => total + shape.reduce((a, b) => a * b, bytesPer[dtype]), 0);
}

/**
 * Writes tensors in the given order and flushes them to the disk. `values` is asked for one tensor at a time, so that no more
 * than one has to be in memory: for the tensor, wherever it is, or for its bytes.
 */
export function writeSafetensors(
  path: string,
  tensors: readonly TensorInfo[],
  values: (tensor: TensorInfo) => Tensor | Uint8Array,
  metadata?: Readonly<Record<string, string>>,
): void {
  const header: Record<string, unknown> = metadata ? { __metadata__: metadata } : {};
  let offset = 0;
  for (const { name, dtype, shape } of tensors) {
    const end = offset + bytesOf([{ name, dtype, shape }]);
    header[name] = { dtype: codes.get(dtype), shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = JSON.stringify(header);
  // Padded with spaces, so that the data starts at a multiple of eight.
  const text = Buffer.from(
    json.padEnd(Math.ceil(Buffer.byteLength(json) / 8) * 8 - (Buffer.byteLength(json) - json.length)),
  );
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const file = openSync(path, "w");
  try {
    for (const part of [length, text]) writeAll(file, part);
    for (const tensor of tensors)
      tidy(() => {
        const given = values(tensor);
        for (const piece of given instanceof Tensor ? piecesOf(given) : [given]) writeAll(file, piece);
      });
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** `writeSync` may write a part only. */
function writeAll(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done, bytes.length - done);
}
