/**
 * @file The framing of a W&B run file (`run-ID.wandb`): a header, then records in blocks of 32 KiB, as in a log of LevelDB. A record
 * that does not fit into its block is cut into pieces. A piece: checksum (4 bytes), length (2), type (1), data; little endian.
 */
import { crc32 } from "node:zlib";

const BLOCK = 32_768;
const PIECE_HEADER = 7;

/** Magic name, magic number, version. */
export const WANDB_HEADER = Buffer.from([...Buffer.from(":W&B"), 0xe1, 0xbe, 0]);

const [FULL, FIRST, MIDDLE, LAST] = [1, 2, 3, 4];

/**
 * A record as it stands in the file.
 * @param offset how long the file is so far, its header included
 */
export function wandbRecord(data: Buffer, offset: number): Buffer {
  const out: Buffer[] = [];
  let at = offset;
  let rest = data;
  for (let first = true; first || rest.length > 0; first = false) {
    const room = BLOCK - (at % BLOCK);
    const padding = room < PIECE_HEADER ? room : 0;
    const size = Math.min(rest.length, (padding > 0 ? BLOCK : room) - PIECE_HEADER);
    const last = size === rest.length;
    const piece = pieceOf(rest.subarray(0, size), first ? (last ? FULL : FIRST) : last ? LAST : MIDDLE);
    out.push(Buffer.alloc(padding), piece);
    at += padding + piece.length;
    rest = rest.subarray(size);
  }
  return Buffer.concat(out);
}

function pieceOf(data: Buffer, type: number): Buffer {
  const checked = Buffer.concat([Buffer.from([type]), data]);
  const header = Buffer.alloc(PIECE_HEADER - 1);
  header.writeUInt32LE(crc32(checked), 0);
  header.writeUInt16LE(data.length, 4);
  return Buffer.concat([header, checked]);
}
