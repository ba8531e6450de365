/** @file The framing of TensorBoard's event files, which is TensorFlow's TFRecord: length, its checksum, data, their checksum. */
import { crc32c } from "./crc32c.ts";

/** One record of an event file. */
export function eventRecord(data: Buffer): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(data.length));
  return Buffer.concat([length, masked(length), data, masked(data)]);
}

/** A checksum as records hold it: rotated and shifted, so that data which contain checksums can be checked themselves. */
function masked(bytes: Buffer): Buffer {
  const crc = crc32c(bytes);
  const mask = (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
  const out = Buffer.alloc(4);
  out.writeUInt32LE(mask);
  return out;
}
