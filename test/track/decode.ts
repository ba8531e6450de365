/** @file Reads what trackers write, from the descriptions of the formats and without their code: protobuf, TFRecord, W&B's log. */

/** The fields of a protobuf message, in their order: numbers for varints and fixed types, bytes for the rest. */
export function fieldsOf(bytes: Buffer): [field: number, value: number | Buffer][] {
  const found: [number, number | Buffer][] = [];
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = BigInt(bytes[at++]!);
      value |= (byte & 127n) << shift;
      if (byte < 128n) return Number(value);
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const [field, type] = [tag >> 3, tag & 7];
    if (type === 0) found.push([field, varint()]);
    else {
      const size = type === 1 ? 8 : type === 5 ? 4 : varint();
      const content = bytes.subarray(at, at + size);
      at += size;
      if (type === 1) found.push([field, content.readDoubleLE()]);
      else if (type === 5) found.push([field, content.readFloatLE()]);
      else if (type === 2) found.push([field, content]);
      else throw new Error(`wire type ${type}`);
    }
  }
  if (at !== bytes.length) throw new Error("cut off");
  return found;
}

/** The messages of a field. */
export function messages(bytes: Buffer, field: number): Buffer[] {
  return fieldsOf(bytes).flatMap(([number, value]) => (number === field ? [value as Buffer] : []));
}

/** The first value of a field, if it is there. */
export function firstOf(bytes: Buffer, field: number): number | Buffer | undefined {
  return fieldsOf(bytes).find(([number]) => number === field)?.[1];
}

/** A cyclic redundancy check bit by bit, by its reversed polynomial. */
function crc(bytes: Buffer, polynomial: number): number {
  let rest = ~0;
  for (const byte of bytes) {
    rest ^= byte;
    for (let bit = 0; bit < 8; bit++) rest = (rest >>> 1) ^ (rest & 1 ? polynomial : 0);
  }
  return ~rest >>> 0;
}

/** The records of an event file. @throws where a checksum is wrong */
export function eventsIn(file: Buffer): Buffer[] {
  const check = (data: Buffer, at: number) => {
    const plain = (file.readUInt32LE(at) - 0xa282ead8) >>> 0;
    // Back from the rotation by 15 bits.
    if (((plain << 15) | (plain >>> 17)) >>> 0 !== crc(data, 0x82f63b78)) throw new Error(`checksum at ${at}`);
  };
  const found: Buffer[] = [];
  for (let at = 0; at < file.length; ) {
    const length = Number(file.readBigUInt64LE(at));
    check(file.subarray(at, at + 8), at + 8);
    const data = file.subarray(at + 12, at + 12 + length);
    check(data, at + 12 + length);
    found.push(data);
    at += length + 16;
  }
  return found;
}

/** The records of a W&B run file. @throws where a checksum or the order of pieces is wrong */
export function wandbRecordsIn(file: Buffer): Buffer[] {
  if (file.toString("latin1", 0, 4) !== ":W&B" || file.readUInt16LE(4) !== 0xbee1 || file[6] !== 0)
    throw new Error("header");
  const found: Buffer[] = [];
  let open: Buffer[] | undefined;
  for (let at = 7; at < file.length; ) {
    const left = 32768 - (at % 32768);
    if (left < 7) {
      at += left;
      continue;
    }
    const [sum, length, type] = [file.readUInt32LE(at), file.readUInt16LE(at + 4), file[at + 6]!];
    if (length > left - 7) throw new Error(`a piece at ${at} leaves its block`);
    const data = file.subarray(at + 7, at + 7 + length);
    if (crc(file.subarray(at + 6, at + 7 + length), 0xedb88320) !== sum) throw new Error(`checksum at ${at}`);
    if ((type === 1 || type === 2) !== (open === undefined)) throw new Error(`order at ${at}`);
    open = [...(open ?? []), data];
    if (type === 1 || type === 4) {
      found.push(Buffer.concat(open));
      open = undefined;
    }
    at += 7 + length;
  }
  if (open) throw new Error("the last record is cut off");
  return found;
}
