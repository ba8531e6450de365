/** @file Annotations of benchmarks in JSON and JSON Lines: values that are none, lists that do not close, rows without end. */
import type { Random } from "../../../src/util/random.ts";
import type { Json } from "../checkpoint.ts";
import { golden, importing } from "../data-line.ts";
import type { Content, Generator } from "../hostile.ts";

type Layout = "list" | "map" | "lines" | "one";

interface Format {
  /** The ending of its files, and how rows stand in them. */
  readonly file: string;
  readonly layout: Layout;
  readonly row: Json;
}

const GRIT_ROW = {
  question: "Is it left?",
  answer: "yes",
  image: "image.png",
  width: 64,
  height: 48,
  bboxs: [[1, 2, 30, 40]],
  dataset: "vsr",
  split: "val",
};

/** A sound row of each benchmark whose annotations are JSON; its image is `image.png` of 64x48 pixels, or a .jpg where names are numbers. */
const FORMATS: Readonly<Record<string, Format>> = {
  grit: { file: "rows.jsonl", layout: "lines", row: GRIT_ROW },
  vsr: {
    file: "dev.jsonl",
    layout: "lines",
    row: {
      image: "image.png",
      caption: "The cat is on the table.",
      label: 1,
      relation: "on",
      subj: "cat",
      obj: "table",
    },
  },
  tallyqa: {
    file: "test.json",
    layout: "list",
    row: {
      question_id: 7,
      question: "How many dogs?",
      answer: 2,
      image: "image.png",
      data_source: "amt",
      issimple: true,
    },
  },
  gqa: {
    file: "testdev_balanced_questions.json",
    layout: "map",
    row: {
      imageId: "image",
      question: "Is it overcast?",
      answer: "no",
      fullAnswer: "No, it is clear.",
      isBalanced: true,
    },
  },
  mathvista: {
    file: "testmini.json",
    layout: "map",
    row: {
      ...{ pid: "7", query: "What is the area?", question_type: "free_form", answer_type: "integer", answer: "4" },
      ...{ choices: null, image: "image.png", metadata: { split: "testmini" } },
    },
  },
  viscot: {
    file: "vsr.json",
    layout: "list",
    row: {
      ...{ dataset: "vsr", split: "val", question_id: 0, image: ["image.png", "image.png###[1, 2, 30, 40]"] },
      conversations: [
        {
          from: "human",
          value: "<image>\nWhat is under the cat? Please provide the bounding box coordinate of the region that …",
        },
        { from: "gpt", value: "[0.1, 0.2, 0.3, 0.4]" },
        { from: "human", value: "<image>" },
        { from: "gpt", value: "table" },
      ],
    },
  },
  ovdeval: {
    file: "position.json",
    layout: "one",
    row: {
      categories: [{ id: 0, name: "the dog on the left" }],
      annotations: [{ id: 0, image_id: 0, category_id: 0, bbox: [1, 2, 30, 40] }],
      images: [{ id: 0, file_name: "image.png", width: 64, height: 48 }],
    },
  },
  mmhal: {
    file: "response_template.json",
    layout: "list",
    row: {
      ...{
        question_type: "attribute",
        image_id: "a",
        image_src: "https://example.org/image.png",
        image_content: ["Bus"],
      },
      ...{ question: "What colour?", gt_answer: "red" },
    },
  },
  slake: {
    file: "test.json",
    layout: "list",
    row: { qid: 1, img_name: "image.png", question: "What is shown?", answer: "Liver", q_lang: "en", modality: "CT" },
  },
  refcoco: {
    file: "refcoco_val.jsonl",
    layout: "lines",
    row: { image: "image.png", sent: "the man on the left", bbox: [1, 2, 30, 40], width: 64, height: 48 },
  },
};

/** A file of such rows. */
function fileOf({ layout }: Format, rows: readonly string[]): string {
  if (layout === "lines" || layout === "one") return `${rows.join("\n")}\n`;
  if (layout === "list") return `[${rows.join(",\n")}]\n`;
  return `{${rows.map((row, i) => `"${i}": ${row}`).join(",\n")}}\n`;
}
const text = (value: Json) => JSON.stringify(value);

/** Values that no key of any benchmark takes. */
const nothing = (random: Random) =>
  random.pick<unknown>([undefined, null, true, {}, [], [null], [[]], "", " \n", 0.5, -1, 1e300]);

interface Spoiled {
  readonly content: Content;
  readonly names?: readonly string[];
}

/** Keys that may be absent, or that are of the kind of such a value. */
function isLegal(row: Json, key: string, value: unknown): boolean {
  const optional = ["bboxs", "choices", "subj", "obj", "issimple", "data_source", "relation"];
  if (optional.includes(key)) return true;
  if (key === "isBalanced") return value === true;
  if (key === "image_content") return Array.isArray(value) && value.length === 0;
  if (["annotations", "categories", "images"].includes(key)) return false;
  return key === "answer" && "bboxs" in row && typeof value === "number";
}

const FAULTS: Record<string, (random: Random, format: Format) => Spoiled> = {
  "a value that is none": (random, format) => {
    const legal = (key: string, value: unknown) => isLegal(format.row, key, value);
    const keys = Object.keys(format.row).filter((key) => !legal(key, undefined));
    const key = random.pick(keys);
    let value = nothing(random);
    while (legal(key, value)) value = nothing(random);
    return { content: fileOf(format, [text({ ...format.row, [key]: value })]) };
  },
  "a box that is none": (random, format) => {
    const box = random.pick([
      ...[
        [0, 0, 0, 0],
        [30, 40, 1, 2],
        [-9, 0, 9, 9],
        [0, 0, 165, 48],
        [0.1, 0.2, 0.3, 0.4],
        [1e300, 1, 2e300, 3],
      ],
      ...[[1, 2, 3], [1, 2, 3, 4, 5], [1, 2, 3, "4"], [1, null, 3, 4], [[1, 2, 3, 4]], "[1, 2, 3, 4]"],
    ]);
    const [row] = [structuredClone(FORMATS.ovdeval!.row) as { annotations: Json[] }];
    // There a box is a corner and a size.
    row.annotations[0]!.bbox = random.pick<unknown>([
      [1, 2, 0, 9],
      [1, 2, -9, 9],
      [60, 2, 30, 4],
      [-9, 2, 12, 9],
      [1, 2],
      "all",
      null,
    ]);
    if (format.layout === "one") return { content: text(row as unknown as Json) };
    return { content: `${text({ ...GRIT_ROW, bboxs: [[1, 2, 3, 4], box] })}\n` };
  },
  "a name that no row has": (random, format) => {
    const row = structuredClone(FORMATS.ovdeval!.row) as { annotations: Json[] };
    row.annotations[0]![random.pick(["image_id", "category_id"])] = random.pick([1, -1, 2 ** 40]);
    return format.layout === "one" ? { content: text(row as unknown as Json) } : { content: fileOf(format, ["7"]) };
  },
  "an image that is none": (random, format) => {
    const name = random.pick([
      ...["gone.png", "", ".", "..", "/", "image.png/", "a\0b", "x".repeat(300), "a/".repeat(3000), "notes.txt"],
      ...["https://example.org/a.png", "data:image/png;base64,AAAA", "file:///etc/passwd", "s3://a/b.png"],
    ]);
    const whole = text(format.row);
    const named = whole
      .replaceAll(/"image\.png(?=["#])/g, JSON.stringify(name).slice(0, -1))
      .replace(/"imageId":"image"/, `"imageId":${JSON.stringify(name)}`);
    // What a link is read for is its last part.
    return { content: fileOf(format, [named.replace("https://example.org/image.png", "https://example.org/gone/")]) };
  },
  "a key twice": (random, format) => {
    const key = random.pick(Object.keys(format.row));
    return { content: fileOf(format, [`{${JSON.stringify(key)}: 1, ${text(format.row).slice(1)}`]), names: [key] };
  },
  "an id twice": (_, format) => {
    const row = text(format.row);
    if (format.layout === "map") return { content: `{"7": ${row}, "7": ${row}}`, names: ["id"] };
    // The others number their rows.
    const named = ["qid", "question_id", "annotations"].some((key) => key in format.row);
    return { content: fileOf(format, [row, named ? row : "{}"]) };
  },
  "a row of another kind": (random, format) => ({
    content: fileOf(format, [
      text(format.row),
      random.pick(["7", "null", '"a"', "[]", "[[1]]", "true", "{}", '{"a": {}}']),
    ]),
  }),
  "rows of another benchmark": (random, format) => {
    const others = Object.values(FORMATS).filter(({ row }) => row !== format.row && row !== GRIT_ROW);
    return { content: fileOf(format, [text(random.pick(others).row)]) };
  },
  "a list that is none": (random, format) => {
    const [row, list] = [text(format.row), { ...format, layout: "list" as const }];
    return {
      content: random.pick([
        `[${row} ${row}]`,
        `[${row},,${row}]`,
        `[${row},]`,
        `[,${row}]`,
        `[${row}}`,
        `[${row}`,
        `{"a": ${row}]`,
        `{"a": ${row}, ${row}}`,
        `{"a": ${row},}`,
        `${fileOf(list, [row])}${fileOf(list, [row])}`,
        `${fileOf(list, [row])}\0`,
        `${row},\n${row}`,
        `x = ${fileOf(list, [row])}`,
        `{"data": ${fileOf(list, [row])}}`,
      ]),
    };
  },
  "no JSON": (random, format) => {
    const row = text(format.row);
    const bad = random.pick([
      row.slice(0, random.int(1, row.length - 1)),
      row.replaceAll('"', "'"),
      row.replace(":", ": NaN, "),
      `${row.slice(0, -1)},}`,
      `/* a */ ${row}`,
      "{question: 1}",
      "{".repeat(1e6),
      '{"a":'.repeat(1e5),
    ]);
    return { content: fileOf(format, [text({ ...format.row }), bad]) };
  },
  "depth without end": (random, format) => {
    const n = random.pick([1e4, 1e6]);
    const deep = random.pick([`${"[".repeat(n)}${"]".repeat(n)}`, `${'{"a":'.repeat(n)}7${"}".repeat(n)}`]);
    return { content: fileOf(format, [`{"question": ${deep}}`]) };
  },
  "text without end": (random, format) => {
    const many = random.pick([1e5, 3e6]);
    const long = random.pick([
      `The a${" is".repeat(many)}\nb`,
      `The a${" has".repeat(many)}\nb`,
      "Options: A: ".repeat(many / 10),
      " ".repeat(many),
    ]);
    const row = { ...format.row, caption: long, [Object.keys(format.row)[0]!]: {} };
    return { content: fileOf(format, [text(row)]) };
  },
  "a row without end": (random, format) => ({
    content: random.pick([
      `[{"a": "${"b".repeat(3e8)}`,
      `{"question": "${"a".repeat(3e8)}"}`,
      `${text(format.row)}\n{"a": [${"1,".repeat(1.5e8)}`,
    ]),
  }),
  "rows without end": (random, format) => {
    const many = random.pick([2e4, 1e5]);
    if (format.layout === "one") {
      const images = Array.from({ length: many }, (_, id) => ({ id, file_name: `${id}.png`, width: 64, height: 48 }));
      const annotations = images.map(({ id }) => ({ id, image_id: id, category_id: 0, bbox: [1, 2, 30, 40] }));
      return { content: text({ categories: [{ id: 0, name: "a dog" }], annotations, images }) };
    }
    return {
      content: fileOf(format, Array<string>(many).fill(text({ ...format.row, image: "gone.png", answer: [] }))),
    };
  },
  "bytes that are no text": (random, format) => {
    const whole = Buffer.from(fileOf(format, [text(format.row)]));
    const at = whole.indexOf('": "', 0) > 0 ? whole.indexOf('":"') + 3 : random.int(2, whole.length - 3);
    const bad = random.pick([[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82]]);
    return { content: Buffer.concat([whole.subarray(0, at), Buffer.from(bad), whole.subarray(at)]) };
  },
  "another encoding": (_, format) => ({
    content: Buffer.from(`\ufeff${fileOf(format, [text(format.row)])}`, "utf16le"),
  }),
  nothing: (random) => ({
    content: random.pick<Content>([
      "",
      "\n \n",
      "[]",
      "{}",
      "\ufeff",
      "null",
      null,
      { link: "gone.json" },
      { link: "/dev/zero" },
    ]),
  }),
  "another file": (random) => ({
    content: random.pick<Content>([
      Buffer.of(0x1f, 0x8b, 8, 0),
      "PAR1",
      "index\tquestion\n1\ta\n",
      "<html>",
      golden("images/files/rgb-64x48.png"),
    ]),
  }),
};

const generate: Generator = (random) => {
  const benchmark = random.pick(Object.keys(FORMATS));
  const format = FORMATS[benchmark]!;
  const name = random.pick(Object.keys(FAULTS));
  // Boxes stand in the rows of some benchmarks only.
  const boxed = name === "a box that is none" && format.layout !== "one" ? "grit" : benchmark;
  const { content, names = [] } = FAULTS[name]!(random, FORMATS[boxed]!);
  const input = importing(boxed, { name, file: FORMATS[boxed]!.file, content, names });
  const image = golden("images/files/rgb-64x48.png");
  return {
    ...input,
    files: { ...input.files, "images/image.png": image, "images/image.jpg": image, "images/notes.txt": "no image" },
  };
};
export default generate;
