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

  it("takes bytes as well as a path", async () => {
    const image = await decodeImage(readFileSync(file("rgb-2x3.png")));
    expect(image).toEqual(await decodeImage(file("rgb-2x3.png")));
  });

  it.each([
    ["grey-16-bit.png", /grey-16-bit\.png has 16 bits/],
    ["bitmap.bmp", /bitmap\.bmp is not an image/],
    ["tagged.tiff", /tagged\.tiff is tiff/],
    ["no-such-file.png", /no-such-file\.png does not exist/],
    ["", /cannot be read/],
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
