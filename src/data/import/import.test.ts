import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadSamples } from "../samples.ts";
import { benchmarkNamed } from "./benchmarks.ts";
import { type ImportOptions, importBenchmark } from "./import.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "import-"));
});
afterEach(() => rm(folder, { recursive: true }));

const golden = (name: string) => fileURLToPath(new URL(`../../../test/golden/parquet/${name}`, import.meta.url));
const png = await sharp({ create: { width: 640, height: 480, channels: 3, background: "red" } })
  .png()
  .toBuffer();
const base64 = png.toString("base64");

async function put(name: string, content: string | object): Promise<string> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, typeof content === "string" || Buffer.isBuffer(content) ? content : JSON.stringify(content));
  return path;
}

/** Puts images of 640x480 pixels into the folder's `images`. */
async function putImages(...names: string[]): Promise<void> {
  for (const name of names) await put(join("images", name), png);
}

type Line = Record<string, unknown>;

function run(name: string, annotations: string[], options: Partial<ImportOptions> = {}) {
  const [images, out] = [join(folder, "images"), join(folder, "sets", "out.jsonl")];
  return importBenchmark(benchmarkNamed(name), { annotations, images, out, ...options });
}

async function written(): Promise<Line[]> {
  const out = join(folder, "sets", "out.jsonl");
  // What was written must load: that proves paths, sizes and boxes.
  expect(await loadSamples([out])).not.toEqual([]);
  const text = await readFile(out, "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
}

/** The lines of an import. */
async function lines(name: string, annotations: string[], options: Partial<ImportOptions> = {}): Promise<Line[]> {
  await run(name, annotations, options);
  return written();
}

const SIZE = { width: 640, height: 480 };
const tsv = (...rows: string[][]) => rows.map((row) => row.map((field) => `"${field}"`).join("\t")).join("\n");

describe("official rows become lines", () => {
  const vsr = { image: "1.jpg", image_link: "u", label: 1, relation: "on", subj: "cat", obj: "bed", annotator_id: 4 };

  test("VSR", async () => {
    await putImages("1.jpg");
    const captions = ["The cat is on the bed.", "The dogs are far away from the bed.", "The train contains the cat."];
    const rows = [...captions, "The bed has as a part the cat.", "The bed consists of the car."];
    const file = await put("dev.jsonl", rows.map((caption) => JSON.stringify({ ...vsr, caption })).join("\n"));
    const made = await lines("vsr", [file]);
    expect(made[0]).toEqual({
      id: "vsr-dev-1",
      question: "Is the cat on the bed?",
      answer: "Yes",
      image: "../images/1.jpg",
      ...SIZE,
      dataset: "vsr",
      split: "dev",
    });
    expect(made.slice(1).map(({ question }) => question)).toEqual([
      "Are the dogs far away from the bed?",
      "Does the train contain the cat?",
      "Does the bed have as a part the cat?",
      "Does the bed consist of the car?",
    ]);
  });

  test("TallyQA, evenly over the counts, the same from any order", async () => {
    await putImages("VG_100K/1.jpg");
    const row = { data_source: "amt", image: "VG_100K/1.jpg", image_id: 1, issimple: false };
    const rows = Array.from({ length: 1200 }, (_, i) => ({
      ...row,
      question: "How many?",
      answer: i % 12,
      question_id: i,
    }));
    const drawn = await lines("tallyqa", [await put("test.json", rows)]);
    const counts = drawn.map(({ answer }) => Number(answer));
    expect(counts.length).toBe(491);
    for (let count = 0; count < 10; count++)
      expect(counts.filter((n) => n === count).length).toBe(count === 0 ? 50 : 49);
    const ids = (made: Line[]) => made.map(({ id }) => id).sort();
    expect(ids(await lines("tallyqa", [await put("test.json", rows.toReversed())]))).toEqual(ids(drawn));
    expect((await lines("tallyqa", [await put("test.json", rows)], { all: true })).length).toBe(1200);
    expect(drawn[0]).toMatchObject({ dataset: "tallyqa", image: "../images/VG_100K/1.jpg", split: "test" });
  });

  test("GQA", async () => {
    await putImages("n1.jpg");
    const row = { imageId: "n1", question: "Is it overcast?", answer: "no", fullAnswer: "No.", isBalanced: true };
    const file = await put("testdev_balanced_questions.json", { "20": row, "21": row });
    const made = await lines("gqa", [file]);
    expect(made.map(({ id }) => id)).toEqual(["gqa-20", "gqa-21"]);
    expect(made[0]).toMatchObject({ answer: "no", image: "../images/n1.jpg", split: "testdev_balanced" });
  });

  const mathvista = {
    pid: "7",
    question: "How long?",
    query: "Hint: letter.\nQuestion: How long?\nChoices:\n(A) 4\n(B) 6",
    image: "images/7.jpg",
    choices: ["4", "6"],
    answer: "6",
    question_type: "multi_choice",
    answer_type: "text",
    metadata: { split: "testmini" },
  };

  test("MathVista, testmini of a JSON file", async () => {
    await putImages("images/7.jpg");
    const free = { ...mathvista, pid: "8", choices: null, question_type: "free_form", answer_type: "integer" };
    const rows = { "7": mathvista, "8": free, "9": { ...mathvista, pid: "9", metadata: { split: "test" } } };
    const made = await lines("mathvista", [await put("testmini.json", rows)]);
    expect(made.map(({ id }) => id)).toEqual(["mathvista-7", "mathvista-8"]);
    const asked = { question: mathvista.query, answer: "6", dataset: "mathvista_mini", split: "testmini" };
    expect(made[0]).toMatchObject({ ...asked, choices: ["4", "6"], answer_type: "text" });
    expect(made[1]).not.toHaveProperty("choices");
  });

  test("MathVista, with the choices that its query lists, where the row has others", async () => {
    const query = "Question: Which is larger? R1 or R2?\nA. R1\nB. R2\nChoices:\n(A) R3\n(B) R1\n(C) R2";
    const row = { ...mathvista, query, answer: "R2" };
    await putImages("images/7.jpg");
    const rows = {
      "7": { ...row, choices: ["R1", "R2", "R3"] },
      "8": { ...row, pid: "8", choices: ["R2", "R4", "R1"] },
    };
    const made = await lines("mathvista", [await put("testmini.json", rows)]);
    expect(made.map(({ choices }) => choices)).toEqual([
      ["R3", "R1", "R2"],
      ["R3", "R1", "R2"],
    ]);
  });

  test("MathVista, testmini of a parquet file", async () => {
    const made = await lines("mathvista", [golden("mathvista.parquet")]);
    expect(made.map(({ id, choices, width }) => [id, choices, width])).toEqual([["mathvista-7", ["4", "6"], 8]]);
    expect((await lines("mathvista", [golden("mathvista.parquet")], { all: true }))[1]).toMatchObject({
      id: "mathvista-8",
      answer_type: "float",
      split: "test",
    });
  });

  test("MME, as released, as parquet and as TSV", async () => {
    await putImages("count/1.jpg", "posters/images/2.png");
    await put("images/count/1.txt", "Are there two? Please answer yes or no.\tYes\r\nIs there one?\tNo\n\n");
    await put("images/posters/questions_answers_YN/2.txt", "Is it a film? Please answer yes or no.\tYes\n");
    const release = join(folder, "images");
    const made = await lines("mme", [release]);
    expect(made.map(({ id, dataset, answer, image }) => [id, dataset, answer, image])).toEqual([
      ["mme_count/1#1", "mme_count", "Yes", "../images/count/1.jpg"],
      ["mme_count/1#2", "mme_count", "No", "../images/count/1.jpg"],
    ]);
    expect((await lines("mme", [release], { all: true }))[2]).toMatchObject({
      dataset: "mme_posters",
      image: "../images/posters/images/2.png",
    });
    expect((await lines("mme", [golden("mme.parquet")])).map(({ dataset }) => dataset)).toEqual([
      "mme_count",
      "mme_count",
    ]);
    const table = tsv(
      ["index", "image", "category", "question", "answer"],
      ["0", base64, "color", "Is it red?", "Yes"],
      ["1", "0", "color", "Is it blue?", "No"],
    );
    const [first, second] = await lines("mme", [await put("MME.tsv", table)]);
    expect(first!.image).toBe(second!.image);
  });

  test("OVDEval, phrases with one box", async () => {
    await putImages("a.jpg");
    const box = (category_id: number, bbox: number[]) => ({
      id: 0,
      image_id: 5,
      category_id,
      bbox,
      iscrowd: 0,
      area: 1,
    });
    const file = await put("position.json", {
      categories: [
        { id: 0, name: "the dog on the left", supercategory: "object" },
        { id: 1, name: "the cups", supercategory: "object" },
      ],
      annotations: [box(0, [10.4, 20, 30, 40]), box(1, [1, 2, 3, 4]), box(1, [5, 6, 7, 8])],
      images: [{ id: 5, file_name: "a.jpg", ...SIZE, text: ["the dog on the left", "the cups"], neg_text: ["a cat"] }],
    });
    const made = await lines("ovdeval", [file]);
    expect(made.length).toBe(1);
    expect(made[0]).toMatchObject({
      id: "ovd_position-5-0",
      answer: "[10, 20, 40, 60]",
      bboxs: [[10.4, 20, 40.4, 60]],
      dataset: "ovd_position",
    });
    expect(made[0]!.question).toContain("the dog on the left");
  });

  test("OVDEval of a hundred thousand boxes takes seconds", async () => {
    const many = 1e5;
    const images = Array.from({ length: many }, (_, id) => ({ id, file_name: "gone.jpg", ...SIZE }));
    const annotations = images.map(({ id }) => ({ image_id: id, category_id: 0, bbox: [1, 2, 3, 4] }));
    const file = await put("position.json", { categories: [{ id: 0, name: "a dog" }], annotations, images });
    await expect(run("ovdeval", [file])).rejects.toThrow("one image is missing");
  });

  test("VSR refuses a caption of many verbs over two lines at once", async () => {
    const row = { image: "1.jpg", caption: `The cat${" is".repeat(1e5)}\nhere.`, label: 1, relation: "on" };
    await expect(run("vsr", [await put("dev.jsonl", row)])).rejects.toThrow("is not a statement of VSR's form");
  });

  test("is refused beside one that writes the same file, and removes what a killed one has left", async () => {
    await putImages("1.jpg");
    await put("sets/out.jsonl.partial/lines", "half");
    const file = await put("x.jsonl", gritRow);
    const results = await Promise.allSettled([run("grit", [file]), run("grit", [file])]);
    expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(String(results.flatMap((result) => (result.status === "rejected" ? [result.reason] : [])))).toMatch(
      /is in use by process/,
    );
    expect(await written()).toHaveLength(1);
    expect(await readdir(join(folder, "sets"))).toEqual(["out.jsonl"]);
  });

  test("images are refused at an address", async () => {
    await expect(run("grit", [await put("x.jsonl", gritRow)], { images: "https://example.org/a" })).rejects.toThrow(
      /is an address.*\n.*Download the images/,
    );
  });

  const gritRow = { question: "What is it?", answer: "tv", image: "1.jpg", ...SIZE, dataset: "vsr", split: "train" };

  test("GRIT_data, as it is", async () => {
    await putImages("1.jpg");
    const rows = [
      { ...gritRow, bboxs: [[343.87, 94.03, 396.81, 126.06]], key_words: ["tv"] },
      { ...gritRow, answer: 4, bboxs: [], dataset: "tallyqa" },
      { ...gritRow, answer: [1, 2, 30, 40], dataset: "ovd_position" },
    ];
    const made = await lines("grit", [await put("x.jsonl", rows.map((row) => JSON.stringify(row)).join("\n"))]);
    expect(made[0]).toEqual({ ...rows[0], id: "vsr-train-1", image: "../images/1.jpg" });
    expect(made.map(({ answer }) => answer)).toEqual(["tv", "4", "[1, 2, 30, 40]"]);
  });

  test("Visual CoT, conversations and metadata", async () => {
    await putImages("cot/vsr/1.jpg", "1.jpg");
    const ask =
      "Please provide the bounding box coordinate of the region that can help you answer the question better.";
    const row = {
      dataset: "vsr",
      split: "val",
      question_id: 3,
      image: ["cot/vsr/1.jpg", "cot/vsr/1.jpg###[392, 316, 467, 414]"],
      conversations: [
        { from: "human", value: `<image>\nWhat is under the cat? ${ask}` },
        { from: "gpt", value: "[0.614, 0.619, 0.731, 0.773]" },
        { from: "human", value: "<image>" },
        { from: "gpt", value: "table" },
      ],
    };
    expect(await lines("viscot", [await put("vsr.json", [row])])).toEqual([
      {
        id: "vsr-val-3",
        question: "What is under the cat?",
        answer: "table",
        image: "../images/cot/vsr/1.jpg",
        ...SIZE,
        bboxs: [[392, 316, 467, 414]],
        dataset: "vsr",
        split: "val",
      },
    ]);
    const metadata = await put("vsr_cot_train.jsonl", { ...gritRow, bboxs: [[0, 0, 640, 422.54]] });
    expect(await lines("viscot", [metadata])).toMatchObject([{ id: "vsr-train-1", bboxs: [[0, 0, 640, 422.54]] }]);
  });

  test("POPE, its three files, parquet and TSV", async () => {
    await putImages("1.jpg");
    const row = JSON.stringify({ question_id: 1, image: "1.jpg", text: "Is there a dog?", label: "no" });
    const files = await Promise.all(
      ["random", "popular", "adversarial"].map((kind) => put(`coco_pope_${kind}.json`, row)),
    );
    expect((await lines("pope", files)).map(({ id, dataset, answer }) => [id, dataset, answer])).toEqual([
      ["pope_random-1", "pope_random", "no"],
      ["pope_popular-1", "pope_popular", "no"],
      ["pope_adversarial-1", "pope_adversarial", "no"],
    ]);
    const [first, second] = await lines("pope", [golden("pope.parquet")]);
    expect([first!.id, second!.id]).toEqual(["pope_random-1", "pope_adversarial-1"]);
    expect(first!.image).toMatch(/^\.\.\/images\/[0-9a-f]{64}\.png$/);
    expect(first!.image).toBe(second!.image);
    const table = tsv(["index", "category", "question", "answer", "image"], ["9", "popular", "Is it?", "yes", base64]);
    expect(await lines("pope", [await put("POPE.tsv", table)])).toMatchObject([{ id: "pope_popular-9", ...SIZE }]);
  });

  test("MMHal-Bench", async () => {
    await putImages("123_abc_o.jpg");
    const row = { question_type: "attribute", question_topic: "vehicle", image_id: "ef", image_content: ["Bus"] };
    const asked = { question: "Which colour?", gt_answer: "It is red.", model_answer: "" };
    const image_src = "https://example.org/8/123_abc_o.jpg";
    expect(
      await lines("mmhal", [await put("response_template.json", [{ ...row, ...asked, image_src }])]),
    ).toMatchObject([
      { answer: "It is red.", dataset: "mmhal_attribute", image: "../images/123_abc_o.jpg", key_words: ["Bus"] },
    ]);
  });

  test("RealWorldQA", async () => {
    const question = "Which way?\n\nA. Left\nB. Right\nOnly the letter.";
    expect(await lines("realworldqa", [golden("realworldqa.parquet")])).toMatchObject([{ question, answer: "A" }]);
    const table = tsv(
      ["index", "question", "A", "B", "C", "answer", "image"],
      ["0", "Which way?", "Left", "Right", "nan", "A", base64],
    );
    expect(await lines("realworldqa", [await put("x.tsv", table)])).toMatchObject([
      { question: "Which way?\nChoices:\n(A) Left\n(B) Right", choices: ["Left", "Right"] },
    ]);
  });

  test("MMStar", async () => {
    expect(await lines("mmstar", [golden("mmstar.parquet")])).toMatchObject([
      { id: "mmstar-3", answer: "B", choices: ["a cup", "a cat, on a mat", "two"] },
    ]);
    const official = tsv(
      ["index", "question", "answer", "category", "l2_category", "bench", "image"],
      ["0", "What?\nOptions: A: a cup, B: a cat", "B", "math", "geometry", "MathVista", base64],
    );
    expect(await lines("mmstar", [await put("MMStar.tsv", official)])).toMatchObject([{ choices: ["a cup", "a cat"] }]);
    const head = ["index", "question", "A", "B", "answer", "category", "l2_category", "image"];
    const table = tsv(head, ["0", "What?", "a cup", "a cat", "B", "math", "geometry", base64]);
    expect(await lines("mmstar", [await put("MMStar.tsv", table)])).toMatchObject([{ choices: ["a cup", "a cat"] }]);
  });

  test("BLINK, several images side by side", async () => {
    const made = await lines("blink", [golden("blink.parquet")]);
    // 8x6 and 4x10 pixels with a gap of 20.
    expect(made.map(({ width, height }) => [width, height])).toEqual([
      [32, 10],
      [8, 6],
    ]);
    expect(made[0]).toMatchObject({
      id: "blink-val_Visual_Similarity_1",
      answer: "B",
      choices: ["the first", "the second"],
      dataset: "blink_visual_similarity",
      split: "val",
    });
    const pixel = async (left: number, top: number) => [
      ...(await sharp(join(folder, "sets", String(made[0]!.image)))
        .extract({ left, top, width: 1, height: 1 })
        .raw()
        .toBuffer()),
    ];
    expect([await pixel(0, 0), await pixel(10, 0), await pixel(31, 9), await pixel(0, 9)]).toEqual([
      [255, 0, 0],
      [255, 255, 255],
      [0, 0, 255],
      [255, 255, 255],
    ]);
    const head = ["index", "question", "A", "B", "answer", "category", "image"];
    const table = tsv(head, ["0", "How many?", "0", "3", "B", "Counting", `['${base64}', '${base64}']`]);
    expect(await lines("blink", [await put("BLINK.tsv", table)])).toMatchObject([
      { dataset: "blink_counting", width: 1300, height: 480 },
    ]);
  });

  test("SLAKE, the English questions", async () => {
    await putImages("xmlab1/source.jpg");
    const row = {
      img_id: 1,
      img_name: "xmlab1/source.jpg",
      question: "What?",
      answer: "Liver",
      modality: "CT",
      location: "Abdomen",
    };
    const rows = [
      { ...row, q_lang: "en", qid: 1 },
      { ...row, q_lang: "zh", qid: 2 },
    ];
    const file = await put("test.json", rows);
    expect((await lines("slake", [file])).map(({ id, dataset }) => [id, dataset])).toEqual([["slake-1", "slake_en"]]);
    expect((await lines("slake", [file], { all: true })).map(({ dataset }) => dataset)).toEqual([
      "slake_en",
      "slake_zh",
    ]);
  });
});

describe("bad input is named, and nothing is left behind", () => {
  const pope = (fields: object = {}) => ({
    question_id: 1,
    image: "1.jpg",
    text: "Is there a dog?",
    label: "no",
    ...fields,
  });
  const grit = (fields: object) => ({
    question: "Is it?",
    answer: "yes",
    image: "1.jpg",
    ...SIZE,
    dataset: "vsr",
    split: "val",
    ...fields,
  });

  const cases: [what: string, name: string, file: string, rows: object[], message: string | RegExp][] = [
    [
      "another benchmark",
      "vsr",
      "x.jsonl",
      [pope()],
      /x\.jsonl:1: is not a row of VSR.*\n.*It looks like POPE: grit data import pope/,
    ],
    [
      "no known benchmark",
      "pope",
      "x.jsonl",
      [{ a: 1 }],
      /is not a row of POPE, whose rows have the fields question_id, image, text, label; or/,
    ],
    [
      "a file that does not tell its kind",
      "pope",
      "x.json",
      [pope()],
      "belongs to none of random, popular, adversarial",
    ],
    [
      "another version's type",
      "tallyqa",
      "x.json",
      [{ question_id: 1, question: "?", answer: "4", image: "1.jpg", data_source: "amt" }],
      "x.json:1: answer: is not a count",
    ],
    [
      "an unexpected answer",
      "pope",
      "random.json",
      [pope(), pope({ question_id: 2, label: "maybe" })],
      "random.json:2: label: is neither yes nor no",
    ],
    [
      "an answer of an unexpected type",
      "grit",
      "x.jsonl",
      [grit({ answer: { a: 1 } })],
      "x.jsonl:1: answer: is of no known type",
    ],
    [
      "duplicate ids",
      "pope",
      "random.json",
      [pope(), pope()],
      /random\.json:2: id: "pope_random-1" is also the id at .*random\.json:1/,
    ],
    [
      "corners in the wrong order",
      "grit",
      "x.jsonl",
      [
        grit({
          bboxs: [
            [1, 1, 5, 5],
            [40, 10, 20, 30],
          ],
        }),
      ],
      "x.jsonl:1: box 2: [40, 10, 20, 30] covers nothing",
    ],
    ["boxes in shares", "grit", "x.jsonl", [grit({ bboxs: [[0.1, 0.1, 0.5, 0.9]] })], "is in shares of the image"],
    [
      "boxes of another space",
      "grit",
      "x.jsonl",
      [grit({ bboxs: [[100, 100, 900, 900]] })],
      "leaves the image of 640x480 pixels",
    ],
    ["three numbers for a box", "grit", "x.jsonl", [grit({ bboxs: [[1, 2, 3]] })], "x.jsonl:1: bboxs.0"],
    [
      "another image's size",
      "grit",
      "x.jsonl",
      [grit({ width: 480, height: 640 })],
      "say 480x640, but the image has 640x480 pixels",
    ],
    ["a broken line", "pope", "random.json", [pope(), new Number(3)], "random.json:2: is not an object"],
    ["nothing", "pope", "random.json", [], "hold no rows"],
  ];

  test.each(cases)("%s", async (_, name, file, rows, message) => {
    await putImages("1.jpg");
    const path = await put(file, rows.map((row) => JSON.stringify(row)).join("\n") || " [ ] ");
    await expect(run(name, [path])).rejects.toThrow(message);
    await expect(run(name, [path])).rejects.toHaveProperty("name", "UserError");
    expect(await readdir(join(folder, "sets"))).toEqual([]);
  });

  test("missing images, all at once", async () => {
    const rows = Array.from({ length: 24 }, (_, i) => pope({ question_id: i, image: `${i % 12}.jpg` }));
    const path = await put("random.json", rows.map((row) => JSON.stringify(row)).join("\n"));
    await expect(run("pope", [path])).rejects.toThrow(
      /random\.json:1: image: 12 images are missing .*out\.jsonl\.missing\.txt names all of them.*\n.*0\.jpg[\s\S]*and 2 more/,
    );
    const list = join(folder, "sets", "out.jsonl.missing.txt");
    const listed = Array.from({ length: 12 }, (_, i) => `${join(folder, "images", `${i}.jpg`)}\n`);
    expect(await readFile(list, "utf8")).toBe(listed.join(""));
    await putImages(...Array.from({ length: 12 }, (_, i) => `${i}.jpg`));
    await run("pope", [path]);
    expect(await readdir(join(folder, "sets"))).toEqual(["out.jsonl"]);
  });

  test("images in the annotations that are none, or come later", async () => {
    const head = ["index", "category", "question", "answer", "image"];
    const row = (index: string, image: string) => [index, "random", "Is it?", "yes", image];
    const table = tsv(
      head,
      row("1", base64),
      row("2", "x".repeat(80)),
      row("3", "7"),
      row("4", "!".repeat(80)),
      row("5", ""),
    );
    const importing = run("pope", [await put("POPE.tsv", table)]);
    await expect(importing).rejects.toThrow(
      /4 faults[\s\S]*:3: image: is not an image[\s\S]*:4: image: is that of row 7, which is not before/,
    );
    await expect(importing).rejects.toThrow(/:5: image: is not an image in base64[\s\S]*:6: image: is empty/);
    expect(await readdir(folder)).not.toContain("images");
  });

  test("letters of no option", async () => {
    const head = ["index", "question", "A", "B", "answer", "category", "l2_category", "image"];
    const row = (index: string, answer: string) => [
      index,
      "What?",
      "a cup",
      "a cat",
      answer,
      "math",
      "geometry",
      base64,
    ];
    const importing = run("mmstar", [await put("MMStar.tsv", tsv(head, row("0", "C"), row("1", "cup")))]);
    await expect(importing).rejects.toThrow(
      /:2: answer: "C" is not one of the options[\s\S]*:3: answer: is not an option's letter/,
    );
  });

  test("hidden answers", async () => {
    const head = ["index", "question", "A", "B", "answer", "category", "image"];
    const file = await put("BLINK.tsv", tsv(head, ["0", "How many?", "0", "3", "hidden", "Counting", base64]));
    await expect(run("blink", [file])).rejects.toThrow("answer: is hidden: this is the test split");
  });

  test("a rule that leaves nothing", async () => {
    const file = await put(
      "POPE.tsv",
      tsv(["index", "category", "question", "answer", "image"], ["1", "OCR", "Is it?", "yes", base64]),
    );
    await expect(run("mme", [file])).rejects.toThrow(/none of 1 questions fits MME's rule .*see --all/);
  });

  test("an unknown benchmark", () => {
    expect(() => benchmarkNamed("mathvisat")).toThrow(/there is no benchmark "mathvisat"\n.*Did you mean mathvista\?/);
  });
});

test("a box that reaches a little over the edge is cut there, and counted", async () => {
  await putImages("1.jpg");
  const row = { question: "Is it?", answer: "yes", image: "1.jpg", ...SIZE, dataset: "gqa", split: "val" };
  const file = await put("x.jsonl", {
    ...row,
    bboxs: [
      [-1, 0, 645, 400],
      [1, 2, 3, 4],
    ],
  });
  expect((await run("grit", [file])).cut).toBe(1);
  expect((await written())[0]!.bboxs).toEqual([
    [0, 0, 640, 400],
    [1, 2, 3, 4],
  ]);
});

test("an import over an older one replaces it whole, and what it reports is true", async () => {
  await putImages("1.jpg");
  const row = (id: number) => JSON.stringify({ question_id: id, image: "1.jpg", text: "Is there a dog?", label: "no" });
  await run("pope", [await put("random.json", [1, 2, 3].map(row).join("\n"))]);
  const second = await run("pope", [await put("popular.json", row(1))]);
  expect(second).toEqual({ rows: 1, items: 1, samples: 1, images: 0, cut: 0 });
  expect((await written()).map(({ id }) => id)).toEqual(["pope_popular-1"]);
});
