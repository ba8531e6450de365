/** @file Images that are cut, that lie about themselves, or that are none. */
import type { Random } from "../../../src/util/random.ts";
import { checking, golden, LINE } from "../data-line.ts";
import type { Content, Generator } from "../hostile.ts";

const WHOLE = [
  ...["rgb-64x48.png", "palette.png", "interlaced.png", "grey-alpha.png", "rgba.png", "one-bit.png"],
  ...[
    "jpeg-420.jpg",
    "jpeg-progressive.jpg",
    "jpeg-grey.jpg",
    "cmyk.jpg",
    "webp-lossy.webp",
    "webp-lossless-alpha.webp",
  ],
  "transparent.gif",
];
const whole = (random: Random) => golden(`images/files/${random.pick(WHOLE)}`);
const png = () => Buffer.from(golden("images/files/rgb-64x48.png"));

/** A chunk of a PNG: where its data begin and how long they are. */
function chunk(bytes: Buffer, type: string): { start: number; length: number } {
  const start = bytes.indexOf(type, 8, "latin1") + 4;
  return { start, length: bytes.readUInt32BE(start - 8) };
}

/** A GIF of one frame. */
function gif(screen: [number, number], frame: [number, number, number, number], data: readonly number[]): Buffer {
  const words = (values: readonly number[]) => values.flatMap((value) => [value & 255, value >> 8]);
  const palette = [10, 0, 0, 0, 20, 0, 0, 0, 30, 40, 40, 0];
  const head = [...Buffer.from("GIF89a"), ...words(screen), 0x81, 0, 0, ...palette];
  return Buffer.from([...head, 0x2c, ...words(frame), 0, ...data]);
}

const FAULTS: Record<string, (random: Random) => Content> = {
  "cut off": (random) => {
    const bytes = whole(random);
    return bytes.subarray(0, random.int(1, Math.floor(bytes.length / 2)));
  },
  "nothing in it": () => "",
  "a folder": () => null,
  "a link to nowhere": () => ({ link: "gone.png" }),
  "a link to itself": () => ({ link: "image.png" }),
  "a device": (random) => ({ link: random.pick(["/dev/zero", "/dev/null", "/dev/random"]) }),
  "bytes of no image": (random) => Buffer.from(Array.from({ length: random.int(1, 5000) }, () => random.int(0, 255))),
  "a text": (random) =>
    random.pick(["not an image", "<!DOCTYPE html><title>403</title>", "version https://git-lfs.github.com/spec/v1\n"]),
  "a drawing": (random) =>
    random.pick([
      '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="48"/>',
      '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="48"><image href="file:///etc/passwd"/></svg>',
      '<!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg xmlns="http://www.w3.org/2000/svg">&x;</svg>',
    ]),
  "another format": (random) => golden(`images/files/${random.pick(["bitmap.bmp", "tagged.tiff", "grey-16-bit.png"])}`),
  "a size beyond all bounds": (random) => {
    const bytes = png();
    const { start } = chunk(bytes, "IHDR");
    bytes.writeUInt32BE(random.pick([0, 20_000, 2 ** 31 - 1, 2 ** 32 - 1]), start);
    bytes.writeUInt32BE(random.pick([20_000, 2 ** 31 - 1]), start + 4);
    return bytes;
  },
  "a header that is wrong": (random) => {
    const bytes = png();
    const { start } = chunk(bytes, "IHDR");
    bytes[start + random.pick([8, 9, 10, 11, 12])] = random.pick([5, 7, 99, 255]);
    return bytes;
  },
  "pixels that are wrong": (random) => {
    const bytes = png();
    const { start, length } = chunk(bytes, "IDAT");
    const at = start + random.int(0, length - 1);
    bytes[at] = bytes[at]! ^ (1 << random.int(0, 7));
    return bytes;
  },
  "no pixels": () => {
    const bytes = png();
    const { start, length } = chunk(bytes, "IDAT");
    return Buffer.concat([bytes.subarray(0, start - 8), bytes.subarray(start + length + 4)]);
  },
  "a GIF without a frame": () => Buffer.concat([gif([64, 48], [0, 0, 0, 0], []).subarray(0, 25), Buffer.of(0x3b)]),
  "a GIF whose frame is cut off": (random) => gif([64, 48], [0, 0, 64, 48], [2, random.int(2, 200), 0x44]),
  "a GIF whose frame is broken": (random) =>
    gif([64, 48], [0, 0, 64, 48], [random.pick([0, 1, 2, 5, 8, 11, 12, 13, 200]), 2, 0xff, 0xff, 0, 0x3b]),
  "a GIF whose pixels end early": (random) =>
    gif([64, 48], [0, 0, 64, 48], [random.int(0, 11), 2, 0x44, 0x44, 0, 0x3b]),
};

const generate: Generator = (random) => {
  const name = random.pick(Object.keys(FAULTS));
  const content = FAULTS[name]!(random);
  const folder = content === null ? { "image.png/x": "" } : {};
  const { width: _, height: __, bboxs: ___, ...line } = LINE;
  const data = `${JSON.stringify(line)}\n`;
  return checking(random, {
    name,
    files: { "data.jsonl": data, "image.png": content, ...folder },
    names: ["image.png"],
  });
};
export default generate;
