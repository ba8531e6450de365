/** @file Data lines of another layout, of other names, values that are none, and texts that no JSON is. */
import type { Random } from "../../../src/util/random.ts";
import { checking, LINE } from "../data-line.ts";
import type { Content, Generator } from "../hostile.ts";

type Line = Record<string, unknown>;

interface Spoiled {
  readonly content: Content;
  /** What the error names beside the file. */
  readonly names?: readonly string[];
}

/** Values that a key does not take. */
const WRONG: Readonly<Record<string, readonly unknown[]>> = {
  id: [7, "", " ", null, ["a"], {}],
  question: [undefined, null, "", "\n", 7, ["a"], { text: "a" }],
  answer: [undefined, null, "", 7, 2.5, true, ["a"]],
  image: [undefined, null, "", 7, ["image.png"], { bytes: "AAAA" }, "gone.png", ".", "image.png/", "a\u0000b.png"],
  dataset: [undefined, null, "", 7, []],
  split: [7, null, ["val"]],
  width: [0, -64, 64.5, "64", 63, 1e300, [64]],
  height: [0, -48, 0.1, "48", 49, 1e300, {}],
  bboxs: [
    null,
    7,
    "[[1, 2, 3, 4]]",
    {},
    [1, 2, 3, 4],
    [[]],
    [[1, 2, 3]],
    [[1, 2, 3, 4, 5]],
    [[1, 2, 3, "4"]],
    [[[1, 2, 3, 4]]],
  ],
  choices: [7, "a", {}, [7], [null], [""], [["a"]]],
  key_words: [7, "a", null, [7], [""], {}],
  answer_type: [7, "", [], {}],
};

const BOXES = [
  [0, 0, 0, 0],
  [30, 40, 1, 2],
  [-1, 0, 9, 9],
  [0, 0, 65, 48],
  [0, 0, 64, 48.5],
  [0.1, 0.2, 0.3, 0.4],
  [1e300, 1, 2e300, 3],
];

const MISNAMED: readonly Line[] = [
  { bbox_2d: [1, 2, 3, 4] },
  { Bboxs: [[1, 2, 3, 4]] },
  { bounding_boxes: [[1, 2, 3, 4]] },
  { "gt-bbox": "[1, 2, 3, 4]" },
  { boxes: { x: 1 } },
  { box_format: "xywh" },
  { Choices: ["a"] },
  { answerType: "text" },
  { options: ["a", "b"] },
  { key_word: ["a"] },
];

const IMAGES = [
  "http://127.0.0.1:9/a.png",
  "HTTPS://example.org/a.png",
  "s3://bucket/a.png",
  "file:///etc/passwd",
  "file:image.png",
  "data:image/png;base64,iVBORw0KGgo=",
  `data:image/png;base64,${"A".repeat(533_000)}`,
  "iVBORw0KGgo".repeat(50_000),
  `${"a/".repeat(3000)}b.png`,
];

const text = (line: Line) => JSON.stringify(line);
const line = (...lines: Line[]) => lines.map((each) => `${text(each)}\n`).join("");
const without = (key: string): Line => Object.fromEntries(Object.entries(LINE).filter(([name]) => name !== key));

const FAULTS: Record<string, (random: Random) => Spoiled> = {
  "a value that is none": (random) => {
    const key = random.pick(Object.keys(WRONG));
    const names = key === "width" || key === "height" ? ["data.jsonl:1: "] : [`data.jsonl:1: ${key}`];
    return { content: line({ ...LINE, [key]: random.pick(WRONG[key]!) }), names };
  },
  "a box that is none": (random) => ({
    content: line({ ...LINE, bboxs: [[1, 2, 3, 4], random.pick(BOXES)] }),
    names: ["data.jsonl:1: bboxs[1]"],
  }),
  "a key that is not read": (random) => {
    const key = random.pick(MISNAMED);
    const { bboxs: _, ...rest } = LINE;
    return { content: line({ ...rest, ...key }), names: [`data.jsonl:1: ${Object.keys(key)[0]}: is not read`] };
  },
  "a key twice": (random) => {
    const key = random.pick(Object.keys(LINE));
    const again = random.pick([key, `\\u00${key.charCodeAt(0).toString(16)}${key.slice(1)}`]);
    return { content: `{"${again}": "x", ${text(LINE).slice(1)}\n`, names: [`data.jsonl:1: ${key}: stands twice`] };
  },
  "an image elsewhere": (random) => ({
    content: line({ ...LINE, image: random.pick(IMAGES) }),
    names: ["data.jsonl:1: image"],
  }),
  "a placeholder": (random) => ({
    content: line({ ...LINE, question: `${random.pick(["<image>", "<video>", "<IMG>", "</img>"])}\n${LINE.question}` }),
    names: ["data.jsonl:1: question"],
  }),
  "no count": (random) => ({
    content: line({
      ...LINE,
      dataset: random.pick(["tallyqa", "TallyQA", "Tally-QA_test"]),
      answer: random.pick(["-3", "2.5", "1e3", "0x10", "-0", "Infinity", "1.0"]),
    }),
    names: ["data.jsonl:1: answer"],
  }),
  "choices in another order": (random) => ({
    content: line({
      ...LINE,
      question: random.pick([
        "Which? (A) cat (B) dog (C) cow",
        "Which?\nA. cat\nB. dog\nC. cow",
        "Which? a: cat, b: dog, c: cow",
      ]),
      choices: random.pick([
        ["dog", "cat", "cow"],
        ["cow", "dog", "cat"],
        ["dog", "cow", "cat"],
      ]),
      answer: "A",
    }),
    names: ["data.jsonl:1: choices"],
  }),
  "an id twice": () => ({ content: line(LINE, LINE), names: ["data.jsonl:2: id"] }),
  "another layout": (random) => {
    const indent = random.pick([undefined, 1, 2, "\t"]);
    const value = random.pick<unknown>([[LINE], [LINE, LINE], []]);
    return { content: random.pick([JSON.stringify(value, null, indent), JSON.stringify(LINE, null, indent ?? 2)]) };
  },
  "values that are no objects": (random) => ({
    content: line(LINE) + random.pick(["null", "7", '"a"', "[1]", "true"]),
    names: ["data.jsonl:2"],
  }),
  "no JSON": (random) => {
    const cut = random.int(1, text(LINE).length - 1);
    const bad = random.pick([
      text(LINE).slice(0, cut),
      `${text(LINE)},`,
      `${text(LINE)}${text(without("id"))}`,
      text(LINE).replaceAll('"', "'"),
      "{id: 1}",
      '{"a": NaN}',
      '{"a": 01}',
      "\u0000",
      "---\nid: a",
      "}".repeat(1e6),
    ]);
    return { content: line(LINE) + bad, names: ["data.jsonl:2"] };
  },
  "depth without end": (random) => {
    const n = random.pick([1e4, 1e6]);
    const deep = random.pick([
      "[".repeat(n),
      `${"[".repeat(n)}${"]".repeat(n)}`,
      `{"a":${"[".repeat(n)}${"]".repeat(n)}}`,
      `${'{"a":'.repeat(n)}7${"}".repeat(n)}`,
    ]);
    return { content: `${line(LINE)}${deep}\n`, names: ["data.jsonl:2"] };
  },
  "a line without end": (random) => ({
    content: line(LINE) + random.pick([text({ ...without("image"), note: "a".repeat(8e7) }), "a".repeat(3e8)]),
    names: ["data.jsonl:2"],
  }),
  "bytes that are no text": (random) => {
    const bad = random.pick([[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82], [0xf5, 0x80, 0x80, 0x80]]);
    const whole = Buffer.from(line(LINE));
    const at = random.int(1, whole.length - 2);
    return { content: Buffer.concat([whole.subarray(0, at), Buffer.from(bad), whole.subarray(at)]) };
  },
  "another encoding": (random) => {
    const utf16 = Buffer.from(`\ufeff${line(LINE)}`, "utf16le");
    return {
      content: random.pick([
        utf16,
        Buffer.from(utf16).swap16(),
        Buffer.from(line({ ...LINE, answer: "né" }), "latin1"),
      ]),
    };
  },
  nothing: (random) => ({
    content: random.pick<Content>(["", "\n", " \n\t\n", "\ufeff", null, { link: "gone.jsonl" }]),
  }),
  "another file": (random) => ({
    content: random.pick<Content>([Buffer.from([0x1f, 0x8b, 8, 0, 1, 2, 3]), "PAR1", "id\tquestion\n1\ta\n", "<html>"]),
  }),
};

const generate: Generator = (random) => {
  const name = random.pick(Object.keys(FAULTS));
  const { content, names = [] } = FAULTS[name]!(random);
  const folder = content === null ? { "data.jsonl/x": "" } : {};
  return checking(random, { name, files: { "data.jsonl": content, ...folder }, names: ["data.jsonl", ...names] });
};
export default generate;
