/** @file The parts of a safetensors file, to spoil one of them and put it together again. */

export interface Described {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}
export type Header = Record<string, Described>;

/** The header and the data of a sound file. */
export function partsOf(bytes: Buffer): { header: Header; data: Buffer; metadata: Record<string, string> | undefined } {
  const end = 8 + Number(bytes.readBigUInt64LE());
  const { __metadata__, ...header } = JSON.parse(bytes.subarray(8, end).toString()) as Header;
  const metadata = __metadata__ as Record<string, string> | undefined;
  return { header, data: Buffer.from(bytes.subarray(end)), metadata };
}

/** A file of a header, as JSON or as text, and the data. */
export function fileOf(header: object | string, data: Uint8Array): Buffer {
  const text = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, data]);
}
