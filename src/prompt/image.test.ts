import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { crc32, deflateSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import golden from "../../test/golden/images/images.json" with { type: "json" };
import { UserError } from "../util/errors.ts";
import { decodeImage, sha256 } from "./image.ts";

const FILES = path.join(import.meta.dirname, "../../test/golden/images/files");
const file = (name: string) => path.join(FILES, name);

let scratch: string;
beforeAll(() => {
  scratch = mkdtempSync(path.join(tmpdir(), "grit-image-"));
});
afterAll(() => rmSync(scratch, { recursive: true }));

describe("decodeImage", () => {
  it.each(Object.entries(golden.images))("reads %s as Pillow does", async (name, { width, height, white }) => {
    const image = await decodeImage(file(name));
    expect([image.width, image.height, image.rgb.length]).toEqual([width, height, width * height * 3]);
    expect(sha256(image.rgb)).toBe(white);
    expect(image.sha256).toBe(sha256(readFileSync(file(name))));
  });

  const readable = Object.entries(golden.images).filter(([name]) => name !== "transparent.gif");

  it.each(readable)("can ignore the transparency of %s", async (name, { drop }) => {
    const image = await decodeImage(file(name), { alpha: "drop" });
    expect(sha256(image.rgb)).toBe(drop);
  });

  it("does not invent the colours under a GIF's transparency", async () => {
    await expect(decodeImage(file("transparent.gif"), { alpha: "drop" })).rejects.toThrow(/GIF with transparency/);
  });

  // Pixel (0, 0) lies outside the frame of 2x1 at (1, 1). Expected values: Pillow 12.1.1 on the same bytes.
  it.each<[string, GifOptions, number[]]>([
    ["the palette's first entry, not the background colour", {}, [10, 0, 0]],
    ["the first entry of the frame's own palette", { own: true }, [200, 0, 0]],
    ["white, through a transparent frame", { transparent: 3 }, [255, 255, 255]],
  ])("shows beside a GIF's frame %s", async (_, options, ground) => {
    const { width, height, rgb } = await decodeImage(gif(options));
    expect([width, height]).toEqual([4, 3]);
    const inside = options.own ? [0, 210, 0] : [0, 20, 0];
    const covered = (x: number, y: number) => y === 1 && (x === 1 || x === 2);
    const expected = [0, 1, 2].flatMap((y) => [0, 1, 2, 3].flatMap((x) => (covered(x, y) ? inside : ground)));
    expect([...rgb]).toEqual(expected);
  });

  it("refuses a GIF whose codes end before its pixels", async () => {
    await expect(decodeImage(gif({ ends: true }))).rejects.toThrow("truncated: 1 of its 2 pixels are there");
  });

  it("takes bytes as well as a path", async () => {
    const image = await decodeImage(readFileSync(file("rgb-2x3.png")));
    expect(image).toEqual(await decodeImage(file("rgb-2x3.png")));
  });

  it.each([
    ["grey-16-bit.png", /grey-16-bit\.png has 16 bits/],
    ["bitmap.bmp", /bitmap\.bmp is a BMP, which is not supported; convert it to PNG or JPEG/],
    ["tagged.tiff", /tagged\.tiff is tiff/],
    ["no-such-file.png", /no-such-file\.png does not exist/],
    ["", /cannot be read/],
    ["a".repeat(300), / is longer than any path/],
  ])("refuses %s by name", async (name, message) => {
    await expect(decodeImage(file(name))).rejects.toThrow(message);
    await expect(decodeImage(file(name))).rejects.toThrow(UserError);
  });

  it("refuses an empty file and a text named .png", async () => {
    const empty = path.join(scratch, "empty.png");
    writeFileSync(empty, "");
    await expect(decodeImage(empty)).rejects.toThrow(/empty\.png is empty/);
    const text = path.join(scratch, "text.png");
    writeFileSync(text, "not an image");
    await expect(decodeImage(text)).rejects.toThrow(/text\.png is not an image/);
    const svg = path.join(scratch, "drawing.png");
    writeFileSync(svg, '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>');
    await expect(decodeImage(svg)).rejects.toThrow(/drawing\.png is svg/);
  });

  // In an animation's first half the first frame may be whole.
  it.each(readdirSync(FILES).filter((name) => name in golden.images && !name.startsWith("animated")))(
    "refuses %s cut in half",
    async (name) => {
      const bytes = readFileSync(file(name));
      const cut = path.join(scratch, `cut-${name}`);
      writeFileSync(cut, bytes.subarray(0, Math.floor(bytes.length / 2)));
      await expect(decodeImage(cut)).rejects.toThrow(UserError);
    },
  );

  it("refuses an enormous image from its header, before decoding", async () => {
    const before = process.memoryUsage().rss;
    await expect(decodeImage(pngHeader(100_000, 100_000))).rejects.toThrow(/100000x100000 pixels/);
    expect(process.memoryUsage().rss - before).toBeLessThan(100e6);
  });
});

interface GifOptions {
  /** The frame has a palette of its own. */
  readonly own?: boolean;
  readonly transparent?: number;
  /** The codes end after one pixel. */
  readonly ends?: boolean;
}

/** A GIF of 4x3 pixels, background colour 2, whose only frame covers two of them in colour 1. */
function gif({ own = false, transparent, ends = false }: GifOptions): Buffer {
  const screen = [4, 0, 3, 0, 0x81, 2, 0, ...[10, 0, 0], ...[0, 20, 0], ...[0, 0, 30], ...[40, 40, 0]];
  const control = transparent === undefined ? [] : [0x21, 0xf9, 4, 1, 0, 0, transparent, 0];
  const palette = own ? [200, 0, 0, 0, 210, 0, 0, 0, 220, 230, 230, 0] : [];
  const frame = [0x2c, 1, 0, 1, 0, 2, 0, 1, 0, own ? 0x81 : 0, ...palette];
  // Codes of 3 bits: clear, 1, clear, 1, end.
  const codes = (ends ? [4, 1, 5, 0, 0] : [4, 1, 4, 1, 5]).reduce((bits, code, i) => bits | (code << (3 * i)), 0);
  return Buffer.from([
    ...Buffer.from("GIF89a"),
    ...screen,
    ...control,
    ...frame,
    2,
    2,
    codes & 255,
    codes >> 8,
    0,
    0x3b,
  ]);
}

/** A PNG that claims `width` x `height` and holds one row. */
function pngHeader(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const row = deflateSync(Buffer.alloc(1 + width * 3));
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", row), chunk("IEND", Buffer.alloc(0))]);
}

it("of a step are more than a process may open at once", () => {
  const module = new URL("image.ts", import.meta.url).href;
  const image = new URL("../../test/golden/images/files/rgb-64x48.png", import.meta.url).pathname;
  const read = `const { readImageFile } = await import("${module}"); await Promise.all(Array.from({ length: 1000 }, () => readImageFile("${image}")));`;
  const node = `${process.execPath} --import tsx --input-type=module --eval '${read}'`;
  expect(spawnSync("sh", ["-c", `ulimit -n 200; exec ${node}`], { encoding: "utf8" })).toMatchObject({ status: 0 });
});
