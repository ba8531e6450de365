import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { UserError } from "../util/errors.ts";
import { dataHash, loadLinesWith, loadSamples } from "./samples.ts";

let dir: string;
const good = {
  question: "Is the cat left of the dog?",
  answer: "yes",
  image: "photo.png",
  width: 64,
  height: 48,
  bboxs: [[1.5, 2, 60, 48]],
  dataset: "vsr",
  split: "train",
};

const picture = (width: number, height: number, grey: number) =>
  sharp({ create: { width, height, channels: 3, background: { r: grey, g: 9, b: 200 } } });

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "grit-samples-"));
  const png = await picture(64, 48, 10).png().toBuffer();
  await writeFile(join(dir, "photo.png"), png);
  await writeFile(join(dir, "webp-in-truth.png"), await picture(64, 48, 20).webp().toBuffer());
  await writeFile(join(dir, "header-only.png"), png.subarray(0, 20));
  await writeFile(join(dir, "empty.png"), "");
  await writeFile(join(dir, "text.png"), "not an image at all");
  await writeFile(join(dir, "deep.png"), await picture(8, 8, 20).toColourspace("rgb16").png().toBuffer());
  await writeFile(join(dir, "drawing.svg"), '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
  await writeFile(join(dir, "huge.png"), hugePng(png));
});
afterAll(() => rm(dir, { recursive: true }));

/** The PNG with 20000x20000 pixels written into its header. */
function hugePng(png: Buffer): Buffer {
  const bytes = Buffer.from(png);
  bytes.writeUInt32BE(20_000, 16);
  bytes.writeUInt32BE(20_000, 20);
  return bytes;
}

let files = 0;
async function dataFile(...lines: (string | Uint8Array | object)[]): Promise<string> {
  const file = join(dir, `data-${files++}.jsonl`);
  const parts = lines.flatMap((line) => [
    line instanceof Uint8Array ? line : Buffer.from(typeof line === "string" ? line : JSON.stringify(line)),
    Buffer.from("\n"),
  ]);
  await writeFile(file, Buffer.concat(parts));
  return file;
}

/** The message that loading these lines ends in. */
async function faultOf(...lines: (string | Uint8Array | object)[]): Promise<string> {
  const file = await dataFile(...lines);
  const error = await loadSamples([file]).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(UserError);
  return (error as UserError).message.replaceAll(`${dir}/`, "").replaceAll(/data-\d+/g, "data");
}

describe("good lines", () => {
  test("become samples", async () => {
    const file = await dataFile({ ...good, key_words: ["cat"] }, "", { ...good, id: "mine", bboxs: [] });
    expect(await loadSamples([file])).toEqual([
      {
        id: "vsr-1",
        image: join(dir, "photo.png"),
        question: good.question,
        answer: "yes",
        boxes: [{ space: "image", x1: 1.5, y1: 2, x2: 60, y2: 48 }],
        width: 64,
        height: 48,
        dataset: "vsr",
        task: "answer",
        split: "train",
        keyWords: ["cat"],
      },
      expect.objectContaining({ id: "mine", boxes: [] }),
    ]);
  });

  test("take size, boxes and split from elsewhere when they lack them", async () => {
    const { width: _, height: __, bboxs: ___, split: ____, ...short } = good;
    const [sample] = await loadSamples([await dataFile(short)]);
    expect(sample).toMatchObject({ width: 64, height: 48, boxes: [], split: "" });
  });

  test("may name a WebP .png, and find images in a folder of their own", async () => {
    const file = join(await mkdtemp(join(dir, "elsewhere-")), "data.jsonl");
    await writeFile(file, JSON.stringify({ ...good, image: "webp-in-truth.png" }));
    expect(await loadSamples([file], { images: dir })).toHaveLength(1);
    await expect(loadSamples([file])).rejects.toThrow("one image is missing");
  });

  test("may tell a judge of choices and of the kind of answer", async () => {
    const file = await dataFile(
      { ...good, id: "a", choices: ["cat", "dog"], answer_type: "text" },
      { ...good, id: "b", choices: null, answer_type: null },
    );
    const [told, untold] = await loadSamples([file]);
    expect(told).toMatchObject({ choices: ["cat", "dog"], answerType: "text" });
    expect(untold).not.toHaveProperty("choices");
    expect(untold).not.toHaveProperty("answerType");
  });

  test("may hold more than a sample", async () => {
    const extra = z.object({ completion: z.string("is not a string") });
    const file = await dataFile({ ...good, completion: "<answer> yes" });
    expect(await loadLinesWith([file], extra)).toMatchObject([
      { extra: { completion: "<answer> yes" }, line: 1, file },
    ]);
    const bad = await dataFile({ ...good, completion: 3 });
    await expect(loadLinesWith([bad], extra)).rejects.toThrow("completion: is not a string");
  });
});

describe("bad lines", () => {
  test.each<[string, string | Uint8Array | object, string]>([
    ["broken JSON", '{"question": "Is', "data.jsonl:2: is not JSON"],
    ["no object", "[1]", "data.jsonl:2: is not a JSON object"],
    ["not UTF-8", Uint8Array.of(0x7b, 0xff, 0x7d), "data.jsonl:2: is not UTF-8"],
    ["no question", { ...good, question: undefined }, "data.jsonl:2: question: is missing"],
    ["an empty question", { ...good, question: " " }, "data.jsonl:2: question: is empty"],
    ["a number as answer", { ...good, answer: 3 }, 'data.jsonl:2: answer: is a number; quote it: "3"'],
    ["a list as answer", { ...good, answer: ["a"] }, "data.jsonl:2: answer: is not a string"],
    ["no data set", { ...good, dataset: undefined }, "data.jsonl:2: dataset: is missing"],
    ["choices in one text", { ...good, choices: "a, b" }, "data.jsonl:2: choices: is not a list of strings"],
    ["a number as choice", { ...good, choices: ["a", 2] }, 'data.jsonl:2: choices[1]: is a number; quote it: "2"'],
    ["three numbers a box", { ...good, bboxs: [[1, 2, 3]] }, "data.jsonl:2: bboxs[0]: is not four numbers"],
    ["a word in a box", { ...good, bboxs: [[1, 2, 3, "4"]] }, "data.jsonl:2: bboxs[0][3]: is not a number"],
    [
      "a box outside",
      { ...good, bboxs: [[1, 2, 65, 9]] },
      "data.jsonl:2: bboxs[0]: [1,2,65,9] leaves the image of 64x48",
    ],
    ["a negative corner", { ...good, bboxs: [[-1, 2, 6, 9]] }, "data.jsonl:2: bboxs[0]: [-1,2,6,9] leaves the image"],
    [
      "corners in the wrong order",
      { ...good, bboxs: [[9, 2, 6, 9]] },
      "data.jsonl:2: bboxs[0]: [9,2,6,9] covers nothing",
    ],
    ["an empty box", { ...good, bboxs: [[6, 2, 6, 9]] }, "data.jsonl:2: bboxs[0]: [6,2,6,9] covers nothing"],
    ["a box in shares", { ...good, bboxs: [[0, 0.2, 0.5, 1]] }, "data.jsonl:2: bboxs[0]: [0,0.2,0.5,1] is in shares"],
    ["boxes under another name", { ...good, boxes: [] }, "data.jsonl:2: boxes: is not read; name the boxes bboxs"],
    ["half a pixel", { ...good, width: 63.5 }, "data.jsonl:2: width: is not a whole number of pixels"],
    ["another size", { ...good, width: 48, height: 64 }, "say 48x64, but the image has 64x48 pixels"],
    ["an id twice", { ...good, id: "vsr-1" }, 'data.jsonl:2: id: "vsr-1" is also the id of line 1'],
    ["a missing image", { ...good, image: "gone.png" }, "data.jsonl:2: image: one image is missing"],
    ["a folder as image", { ...good, image: "." }, "is not a file"],
    ["an empty image", { ...good, image: "empty.png" }, "empty.png is empty"],
    ["a text as image", { ...good, image: "text.png" }, "text.png is not an image, or its header is damaged"],
    [
      "a cut header",
      { ...good, image: "header-only.png" },
      "header-only.png is not an image, or its header is damaged",
    ],
    ["an enormous image", { ...good, image: "huge.png" }, "huge.png has 20000x20000 pixels"],
    ["16 bits", { ...good, image: "deep.png" }, "deep.png has 16 bits a channel"],
    ["SVG", { ...good, image: "drawing.svg" }, "drawing.svg is svg, which is not supported"],
  ])("%s", async (_, line, message) => {
    expect(await faultOf(good, line)).toContain(message);
  });

  test("are all told at once, the first ten by name", async () => {
    const message = await faultOf(...Array.from({ length: 12 }, (_, i) => ({ ...good, id: `s${i}`, answer: i })));
    expect(message).toContain("data.jsonl: 12 faults");
    expect(message).toContain('data.jsonl:10: answer: is a number; quote it: "9"');
    expect(message).toContain("… and 2 more");
    expect(message).not.toContain("data.jsonl:11");
  });

  test("missing images are one fault with their count", async () => {
    const message = await faultOf(...Array.from({ length: 12 }, (_, i) => ({ ...good, image: `gone-${i}.png` })));
    expect(message).toMatch(/one fault\n {2}data\.jsonl:1: image: 12 images are missing/);
    expect(message).toContain("gone-9.png");
    expect(message).toContain("… and 2 more");
  });

  test("a file without lines, or none at all", async () => {
    expect(await faultOf("", "")).toContain("data.jsonl: has no lines");
    await expect(loadSamples([join(dir, "absent.jsonl")])).rejects.toThrow("absent.jsonl: no such file");
    await expect(loadSamples([dir])).rejects.toThrow("cannot be read");
  });
});

test.each([
  ["TallyQA", "count"],
  ["tallyqa", "count"],
  ["tally_qa_test", "count"],
  ["OVDEval", "detect"],
  ["ovd_position", "detect"],
  ["my_OVD", "detect"],
  ["vsr", "answer"],
  ["mme_count", "answer"],
])("the samples of %s are there to %s, from the line on", async (dataset, task) => {
  const [sample] = await loadSamples([await dataFile({ ...good, dataset })]);
  expect(sample).toMatchObject({ dataset, task });
});

test("dataHash sees every word and every pixel, but no path", async () => {
  const [sample] = await loadSamples([await dataFile(good)]);
  const hash = await dataHash([sample!]);
  expect(hash).toMatch(/^[0-9a-f]{64}$/);
  const copy = join(dir, "copy.png");
  await writeFile(copy, await picture(64, 48, 10).png().toBuffer());
  expect(await dataHash([{ ...sample!, image: copy }])).toBe(hash);
  expect(await dataHash([{ ...sample!, answer: "no" }])).not.toBe(hash);
  expect(await dataHash([{ ...sample!, image: join(dir, "webp-in-truth.png") }])).not.toBe(hash);
});
