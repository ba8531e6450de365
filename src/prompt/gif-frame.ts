/** @file The first frame of a GIF on its canvas: what Pillow shows where the frame does not reach. */

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
      return { left, top, width, height, transparent, ground };
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
