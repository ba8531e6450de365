/**
 * @file Writes protobuf messages: a message is the bytes of its fields, one after another, in any order. Only what trackers need.
 * Format: https://protobuf.dev/programming-guides/encoding/
 */

const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;

/** A field of type int32, int64, bool or enum. `value` is a whole number from 0 to 2⁵³ - 1. */
export function whole(field: number, value: number): Buffer {
  return Buffer.concat([tag(field, VARINT), varint(value)]);
}

/** A field of type float. */
export function float(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([tag(field, FIXED32), bytes]);
}

/** A field of type double. */
export function double(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([tag(field, FIXED64), bytes]);
}

/** A field of type string. */
export function text(field: number, value: string): Buffer {
  return bytes(field, Buffer.from(value, "utf8"));
}

/** A field that is a message, of its fields. */
export function message(field: number, ...fields: readonly Buffer[]): Buffer {
  return bytes(field, Buffer.concat(fields));
}

function bytes(field: number, value: Buffer): Buffer {
  return Buffer.concat([tag(field, LENGTH), varint(value.length), value]);
}

function tag(field: number, type: number): Buffer {
  return varint(field * 8 + type);
}

/** Seven bits a byte, the lowest first; the highest bit says that more follow. */
function varint(value: number): Buffer {
  const out: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) out.push((rest % 128) + 128);
  return Buffer.from([...out, rest]);
}
