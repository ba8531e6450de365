import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { trueBoxes } from "../../chain/detection.ts";
import { loadSamples } from "../samples.ts";
import { benchmarkNamed } from "./benchmarks.ts";
import { importBenchmark } from "./import.ts";

let folder: string;
let out: string;
let images: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "refcoco-"));
  [out, images] = [join(folder, "sets", "out.jsonl"), join(folder, "coco")];
});
afterEach(() => rm(folder, { recursive: true }));

const golden = (name: string) => fileURLToPath(new URL(`../../../test/golden/parquet/${name}`, import.meta.url));
const PHOTO = "train2014/COCO_train2014_000000000001.jpg";

async function putPhoto(): Promise<void> {
  await mkdir(join(images, "train2014"), { recursive: true });
  const photo = sharp({ create: { width: 64, height: 48, channels: 3, background: "red" } });
  await writeFile(join(images, PHOTO), await photo.jpeg().toBuffer());
}

const line = {
  image: `data/coco/${PHOTO}`,
  sent: "man on the left",
  bbox: [4.5, 8, 24.5, 38.25],
  width: 64,
  height: 48,
};

/** Imports Qwen-VL's lines, or a file that is there. */
async function load(name: string, file: string, rows: readonly object[] = []) {
  const annotations = rows.length > 0 ? join(folder, file) : file;
  if (rows.length > 0) await writeFile(annotations, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  await importBenchmark(benchmarkNamed(name), { annotations: [annotations], images, out });
  return loadSamples([out]);
}

const LEFT = { x1: 4.5, y1: 8, x2: 24.5, y2: 38.25 };

describe("RefCOCO", () => {
  test("of lmms-lab: images in the rows, boxes with width and height, a sample for each phrase", async () => {
    const samples = await load("refcocog", golden("refcoco-lmms.parquet"));
    expect(samples.map(({ id, phrase }) => [id, phrase])).toEqual([
      ["refcocog_refcoco-lmms-469306#1-1", "man on the left"],
      ["refcocog_refcoco-lmms-469306#1-2", "the left guy"],
      ["refcocog_refcoco-lmms-1719310#2-1", "cup"],
    ]);
    expect(samples[0]).toMatchObject({ task: "detect", dataset: "refcocog", answer: "[5, 8, 25, 38]", boxes: [LEFT] });
    expect(samples[0]!.question).toContain(": man on the left.");
    expect(samples[2]!.boxes).toMatchObject([{ x1: 0, y1: 0, x2: 64, y2: 48 }]);
    expect(await readdir(images)).toHaveLength(2);
  });

  test("of jxu124: images of COCO, boxes with two corners, each object with the split that its row names", async () => {
    await putPhoto();
    const samples = await load("refcoco", golden("refcoco-jxu124.parquet"));
    expect(samples.map(({ id, split }) => [id, split])).toEqual([
      ["refcoco_testA-0-1", "testA"],
      ["refcoco_testA-0-2", "testA"],
      ["refcoco_testB-1-1", "testB"],
    ]);
    expect(samples.map(({ boxes }) => boxes)).toMatchObject([[LEFT], [LEFT], [LEFT]]);
    expect(samples[0]!.image).toBe(join(images, PHOTO));
  });

  test("of Qwen-VL: a phrase a line, the set and the split by the file's name", async () => {
    await putPhoto();
    const samples = await load("refcocoplus", "refcoco+_testA.jsonl", [line, { ...line, sent: "left guy." }]);
    expect(samples).toMatchObject([
      { id: "refcocoplus_testA-1-1", dataset: "refcocoplus", split: "testA", phrase: "man on the left", boxes: [LEFT] },
      { id: "refcocoplus_testA-2-1", phrase: "left guy." },
    ]);
    expect(samples[1]!.question).toMatch(/: left guy\.$/);
    await expect(load("refcoco", "refcoco+_testA.jsonl", [line])).rejects.toThrow("not of RefCOCO by its file's name");
    await expect(load("refcoco", "lines.jsonl", [line])).rejects.toThrow("not of RefCOCO by its file's name");
  });

  test("has exact boxes to be found, though its answers are rounded", async () => {
    await putPhoto();
    const [sample] = await load("refcoco", "refcoco_val.jsonl", [line]);
    expect(trueBoxes(sample!)).toMatchObject([LEFT]);
  });

  test.each([
    ["a width and height for a corner", { bbox: [30, 8, 20, 30] }, "[30, 8, 20, 30] covers nothing"],
    ["a corner beyond the image", { bbox: [4, 8, 66, 90] }, "is it in another space, or [x, y, width, height]?"],
    ["shares of the image", { bbox: [0.1, 0.2, 0.5, 0.6] }, "is in shares of the image"],
    ["no box", { bbox: [] }, "bbox: is not four numbers"],
    ["no phrase", { sent: " " }, "sent: is empty"],
    ["a size that is not the image's", { width: 640 }, "width, height"],
    ["no image", { image: "data/coco/train2014/gone.jpg" }, "one image is missing"],
    ["a way out of the folder", { image: "train2014/.." }, "image"],
    ["a phrase that holds an image", { sent: "<image> the man" }, "holds <image>"],
  ])("refuses %s, and writes nothing", async (_, change, message) => {
    await putPhoto();
    await expect(load("refcoco", "refcoco_val.jsonl", [line, { ...line, ...change }])).rejects.toThrow(message);
    expect(await readdir(dirname(out))).toEqual([]);
  });

  test.each([
    ["no phrases", { captions: [] }],
    ["a phrase for phrases", { captions: "left guy" }],
    ["phrases that are objects", { captions: [{ sent: "left guy" }] }],
  ])("refuses a row with %s", async (_, change) => {
    await putPhoto();
    const row = { ref_id: 0, split: "val", captions: ["left guy"], bbox: line.bbox, image_path: `coco/${PHOTO}` };
    expect(await load("refcoco", "rows.jsonl", [row])).toHaveLength(1);
    await rm(out);
    await expect(load("refcoco", "rows.jsonl", [{ ...row, ...change }])).rejects.toThrow("captions");
    expect(await readdir(dirname(out))).toEqual([]);
  });

  test("names the row whose reference another has too", async () => {
    await putPhoto();
    const row = { ref_id: 0, split: "val", captions: ["left guy"], bbox: line.bbox, image_path: `coco/${PHOTO}` };
    await expect(load("refcoco", "rows.jsonl", [row, row])).rejects.toThrow(/rows\.jsonl:2: id: .*rows\.jsonl:1/);
  });
});
