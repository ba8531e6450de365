/** @file The first frame of a GIF: whether its pixels are all there, and what Pillow shows where the canvas goes beyond it. */

export interface GifFrame {
  /** In pixels from the canvas's upper left corner. */
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** Its pixels, and the canvas around it, may be transparent. */
  readonly transparent: boolean;
  /** Entry 0 of the frame's palette, as RGB: Pillow's canvas begins with it, whatever the file's background colour. */
  readonly ground: readonly [number, number, number];
  /** How many pixels its data hold. libvips fills up what is missing, where Pillow refuses the file. */
  readonly pixels: number;
}

const [EXTENSION, IMAGE, CONTROL] = [0x21, 0x2c, 0xf9];
const SCREEN_BYTES = 13;
const DESCRIPTOR_BYTES = 10;

/** The first frame of a GIF, by its header; undefined when there is none. Bytes beyond the end count as 0. */
export function firstFrame(gif: Uint8Array): GifFrame | undefined {
  const byte = (at: number) => gif[at] ?? 0;
  const word = (at: number) => byte(at) + 256 * byte(at + 1);
  const colour = (at: number) => [byte(at), byte(at + 1), byte(at + 2)] as const;
  const global = paletteBytes(byte(10));
  let transparent = false;
  for (let at = SCREEN_BYTES + global; at < gif.length; ) {
    if (byte(at) === IMAGE) {
      const hasOwn = paletteBytes(byte(at + 9)) > 0;
      const palette = hasOwn ? at + DESCRIPTOR_BYTES : SCREEN_BYTES;
      const ground = hasOwn || global > 0 ? colour(palette) : ([0, 0, 0] as const);
      const [left, top, width, height] = [word(at + 1), word(at + 3), word(at + 5), word(at + 7)];
      const data = at + DESCRIPTOR_BYTES + paletteBytes(byte(at + 9));
      const pixels = pixelsIn(codeBytes(gif, data + 1), byte(data), width * height);
      return { left, top, width, height, transparent, ground, pixels };
    }
    if (byte(at) !== EXTENSION) return undefined;
    if (byte(at + 1) === CONTROL) transparent = (byte(at + 3) & 1) === 1;
    at += 2;
    while (byte(at) > 0) at += 1 + byte(at);
    at++;
  }
  return undefined;
}

/** The size of a colour table, by the flags that announce it. */
function paletteBytes(flags: number): number {
  return flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0;
}

/** The bytes of the blocks from `start` on, up to the empty one or the end of the file. */
function codeBytes(gif: Uint8Array, start: number): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (let at = start; at < gif.length && gif[at]! > 0; at += 1 + gif[at]!) {
    blocks.push(gif.subarray(at + 1, at + 1 + gif[at]!));
  }
  return Buffer.concat(blocks);
}

/** Codes of GIF's compression have at most so many bits. */
const MOST_BITS = 12;

/**
 * How many pixels codes stand for, at most `most`. An entry of the table is one longer than the code before it, so lengths are
 * known without the pixels (GIF89a specification, appendix F).
 */
function pixelsIn(bytes: Uint8Array, firstBits: number, most: number): number {
  const clear = 2 ** firstBits;
  if (firstBits >= MOST_BITS) return 0;
  let [width, count, before, held, bits] = [firstBits + 1, 0, 0, 0, 0];
  let lengths: number[] = []; // of the entries behind `clear + 1`
  for (const byte of bytes) {
    held |= byte << bits;
    bits += 8;
    while (bits >= width) {
      const code = held & (2 ** width - 1);
      held >>>= width;
      bits -= width;
      if (code === clear + 1 || count >= most) return Math.min(count, most);
      if (code === clear) {
        [lengths, width, before] = [[], firstBits + 1, 0];
        continue;
      }
      const next = clear + 2 + lengths.length;
      if (before > 0 && next < 2 ** MOST_BITS) lengths.push(before + 1);
      const length = code < clear ? 1 : lengths[code - clear - 2];
      if (length === undefined) return count; // no such entry yet
      count += length;
      before = length;
      if (clear + 2 + lengths.length === 2 ** width && width < MOST_BITS) width++;
    }
  }
  return Math.min(count, most);
}

/** Writes the ground into the pixels of a canvas that an opaque frame leaves free. */
export function paintAround(frame: GifFrame, width: number, rgb: Uint8Array): void {
  if (frame.transparent) return;
  const { left, top, ground } = frame;
  for (let at = 0; at < rgb.length; at += 3) {
    const [x, y] = [(at / 3) % width, Math.floor(at / 3 / width)];
    const covered = x >= left && x < left + frame.width && y >= top && y < top + frame.height;
    if (!covered) rgb.set(ground, at);
  }
}
