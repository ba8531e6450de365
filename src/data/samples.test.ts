import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
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
  await writeFile(
    join(dir, "turned.jpg"),
    await picture(64, 48, 20).withMetadata({ orientation: 6 }).jpeg().toBuffer(),
  );
  await writeFile(join(dir, "sound.bmp"), bmp());
  await writeFile(join(dir, "pointer.png"), "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n");
  await writeFile(join(dir, "page.png"), "\n<!DOCTYPE html><html></html>");
});
afterAll(() => rm(dir, { recursive: true }));

/** The PNG with 20000x20000 pixels written into its header. */
function hugePng(png: Buffer): Buffer {
  const bytes = Buffer.from(png);
  bytes.writeUInt32BE(20_000, 16);
  bytes.writeUInt32BE(20_000, 20);
  return bytes;
}

/** A BMP of one red pixel. */
function bmp(): Buffer {
  const bytes = Buffer.alloc(58);
  bytes.write("BM");
  for (const [at, value] of [
    [2, 58],
    [10, 54],
    [14, 40],
    [18, 1],
    [22, 1],
    [26, 1 + 24 * 65_536],
    [54, 0xff0000],
  ] as const)
    bytes.writeUInt32LE(value, at);
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
        where: `${file}:1`,
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

  test("may be more than a call takes arguments", async () => {
    const many = 130_000;
    const file = await dataFile(Array.from({ length: many }, () => JSON.stringify(good)).join("\n"));
    expect(await loadSamples([file])).toHaveLength(many);
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

  test("may have keys that are nobody's, and choices in the order of the question's letters", async () => {
    const question = "Which? (A) 3 (B) 3.5 (C) 35";
    const choices = ["3", "3.5", "35"];
    const line = { ...good, question, choices, answer: "B", num_boxes: 1, source: "mine", option: "B" };
    expect(await loadSamples([await dataFile(line)])).toMatchObject([{ choices }]);
  });

  test("may say which image they mean, and count in words", async () => {
    const line = { ...good, question: "How many are in <image 1>?", answer: "two", dataset: "tallyqa" };
    expect(await loadSamples([await dataFile(line)])).toHaveLength(1);
  });

  test("may be megabytes long, and are read in one pass", async () => {
    const concat = vi.spyOn(Buffer, "concat");
    const long = JSON.stringify({ ...good, note: "ü".repeat(2e6) });
    const file = await dataFile(long, { ...good, id: "b" });
    concat.mockClear();
    expect((await loadSamples([file])).map(({ id }) => id)).toEqual(["vsr-1", "b"]);
    const copied = concat.mock.results.reduce((sum, { value }) => sum + (value as Buffer).length, 0);
    concat.mockRestore();
    expect(copied).toBeLessThan(2 * Buffer.byteLength(long));
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
    [
      "boxes as ms-swift writes them",
      { ...good, bboxs: undefined, objects: { bbox: [[1, 2, 3, 4]] } },
      "data.jsonl:2: objects: is not read; name",
    ],
    [
      "boxes as Qwen's cookbooks write them",
      { ...good, bbox_2d: [1, 2, 3, 4] },
      "data.jsonl:2: bbox_2d: is not read; name",
    ],
    [
      "boxes under a capital",
      { ...good, Bboxs: [[1, 2, 3, 4]] },
      "data.jsonl:2: Bboxs: is not read; name the boxes bboxs",
    ],
    [
      "another case of a key",
      { ...good, "Key Words": ["a"] },
      "data.jsonl:2: Key Words: is not read; did you mean key_words?",
    ],
    [
      "a mistyped key",
      { ...good, width: undefined, widht: 64 },
      "data.jsonl:2: widht: is not read; did you mean width?",
    ],
    [
      "choices by another name",
      { ...good, options: ["a"] },
      "data.jsonl:2: options: is not read; did you mean choices?",
    ],
    [
      "a key twice",
      `{"answer": "no", ${JSON.stringify(good).slice(1)}`,
      "data.jsonl:2: answer: stands twice in one object",
    ],
    [
      "an image to be fetched",
      { ...good, image: "https://a.b/c.png" },
      "data.jsonl:2: image: https://a.b/c.png is an address",
    ],
    ["a file's address", { ...good, image: "file:///c.png" }, "data.jsonl:2: image: file:///c.png is an address"],
    ["a path without end", { ...good, image: "A".repeat(5e5) }, "(500,000 characters) is longer than any path"],
    ["a placeholder", { ...good, question: "<image>\nWhat?" }, "data.jsonl:2: question: holds <image>, which"],
    ["a negative count", { ...good, dataset: "TallyQA", answer: "-3" }, 'data.jsonl:2: answer: "-3" is no count'],
    ["a broken count", { ...good, dataset: "tallyqa", answer: "2.5" }, 'data.jsonl:2: answer: "2.5" is no count'],
    [
      "choices in another order than in the question",
      { ...good, question: "Which?\n(A) cat\n(B) dog", choices: ["dog", "cat"], answer: "A" },
      "data.jsonl:2: choices: stand in another order than in the question (A: cat, B: dog)",
    ],
    [
      "choices in another order than the question numbers",
      { ...good, question: "Which?\n1. cat\n2. dog", choices: ["dog", "cat"], answer: "cat" },
      "data.jsonl:2: choices: stand in another order than in the question (1: cat, 2: dog)",
    ],
    ...["<image_0>", "[IMG]", "{image}", "<ImageHere>", "![](a.png)"].map((mark): [string, object, string] => [
      `a placeholder ${mark}`,
      { ...good, question: `${mark} Is it?` },
      `data.jsonl:2: question: holds ${mark}, which the model would read as text`,
    ]),
    ...["3-4", "1/2", "NaN", "∞", "2.5 cats"].map((answer): [string, object, string] => [
      `a count of ${answer}`,
      { ...good, dataset: "tallyqa", answer },
      `data.jsonl:2: answer: "${answer}" is no count`,
    ]),
    [
      "a size as it is shown",
      { ...good, image: "turned.jpg", width: 48, height: 64, bboxs: [] },
      "say 48x64, but the image has 64x48 pixels as it is stored; its EXIF orientation 6 shows it as 48x64",
    ],
    [
      "a box on the image as it is shown",
      { ...good, image: "turned.jpg", bboxs: [[1, 2, 40, 60]] },
      "leaves the image of 64x48 pixels as it is stored; its EXIF orientation 6",
    ],
    ["BMP", { ...good, image: "sound.bmp" }, "sound.bmp is a BMP, which is not supported; convert it to PNG or JPEG"],
    ["a pointer of Git LFS", { ...good, image: "pointer.png" }, "pointer.png is a pointer of Git LFS"],
    ["a web page", { ...good, image: "page.png" }, "page.png is a web page"],
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

  test("a data URI is not printed whole", async () => {
    const uri = `data:image/png;base64,${"A".repeat(533_000)}`;
    const message = await faultOf({ ...good, image: uri });
    expect(message).toContain("data.jsonl:1: image: is a data URI (data:image/png;base64,AAAA");
    expect(message.length).toBeLessThan(600);
  });

  test.each([
    ["on one line", JSON.stringify([good, good])],
    ["line by line", `[\n${JSON.stringify(good)},\n${JSON.stringify(good)}\n]`],
    ["indented", JSON.stringify([good, good], null, 2)],
  ])("a JSON array %s is told once", async (_, text) => {
    expect(await faultOf(text)).toMatch(
      /^data\.jsonl is a JSON array, but one object a line is wanted\.\n.*jq -c '\.\[\]'/,
    );
  });

  test("an object over several lines is told once", async () => {
    expect(await faultOf(JSON.stringify(good, null, 2))).toMatch(
      /^data\.jsonl: its objects are spread over several lines/,
    );
  });

  test("are all told at once, the first ten by name", async () => {
    const message = await faultOf(...Array.from({ length: 12 }, (_, i) => ({ ...good, id: `s${i}`, answer: i })));
    expect(message).toContain("data.jsonl: 12 faults");
    expect(message).toContain('data.jsonl:10: answer: is a number; quote it: "9"');
    expect(message).toContain("… and 2 more");
    expect(message).not.toContain("data.jsonl:11");
  });

  test("a folder of images that is an address is refused, with what to do", async () => {
    const file = await dataFile(good);
    for (const images of ["https://example.org/images", "s3://bucket", "file:///images"])
      await expect(loadSamples([file], { images })).rejects.toThrow(
        /--images .* is an address.*\n.*Download the images/,
      );
  });

  test("missing images are one fault with their count", async () => {
    const message = await faultOf(...Array.from({ length: 12 }, (_, i) => ({ ...good, image: `gone-${i}.png` })));
    expect(message).toMatch(/one fault\n {2}data\.jsonl:1: image: 12 images are missing/);
    expect(message).toContain("gone-9.png");
    expect(message).toContain("… and 2 more");
    expect(message).toContain("grit data check names all of them");
  });

  test("missing images are all named where that is asked for", async () => {
    const file = await dataFile(...Array.from({ length: 12 }, (_, i) => ({ ...good, image: `gone-${i}.png` })));
    await expect(loadSamples([file], { nameMissing: true })).rejects.toThrow(
      /12 images are missing[\s\S]*gone-11\.png/,
    );
  });

  test("any line is a sample, or its fault is told", async () => {
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom(1e300, -1, 0.5, "", " ", "photo.png", "<image>", [[1, 2, 3, 4]]),
    );
    const key = fc.constantFrom(...Object.keys(good), "id", "choices", "answer_type", "key_words");
    await fc.assert(
      fc.asyncProperty(key, value, async (spoiled, by) => {
        const file = await dataFile({ ...good, [spoiled]: by });
        const samples = await loadSamples([file]).catch((error: unknown) => {
          expect(error).toBeInstanceOf(UserError);
          expect((error as UserError).message).toContain(file);
          return [];
        });
        for (const sample of samples)
          expect(sample).toMatchObject({ width: 64, height: 48, image: join(dir, "photo.png") });
      }),
      { seed: 1, numRuns: 150 },
    );
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
  ["my-TALLYQA", "count"],
  ["OVDEval", "detect"],
  ["ovd_position", "detect"],
  ["my_OVD", "detect"],
  ["refcoco", "detect"],
  ["RefCOCOplus", "detect"],
  ["vsr", "answer"],
  ["mme_count", "answer"],
])("the samples of %s are there to %s, from the line on", async (dataset, task) => {
  const [sample] = await loadSamples([await dataFile({ ...good, answer: "3", dataset })]);
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
