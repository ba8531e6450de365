/** @file Tables whose columns, quotes or values are not what a benchmark's are. */
import type { Random } from "../../../src/util/random.ts";
import { golden, importing } from "../data-line.ts";
import type { Content, Generator } from "../hostile.ts";

const IMAGE = golden("images/files/rgb-64x48.png").toString("base64");
const HEAD = ["index", "category", "question", "answer", "image"];
const row = (index: string): string[] => [index, "random", "Is there a dog?", "yes", IMAGE];
const table = (...rows: readonly (readonly string[])[]) => rows.map((fields) => `${fields.join("\t")}\n`).join("");

/** A row with the value of one column replaced. */
function withValue(column: string, value: string): string[] {
  const fields = row("2");
  fields[HEAD.indexOf(column)] = value;
  return fields;
}

const WRONG: Readonly<Record<string, readonly string[]>> = {
  index: ["", " "],
  category: ["", "rare", "Random"],
  question: ["", "  ", "<image> What?"],
  answer: ["", "maybe", "1"],
  image: [
    "",
    "7",
    "!".repeat(80),
    "A".repeat(80),
    IMAGE.slice(0, 30),
    golden("images/files/bitmap.bmp").toString("base64"),
    `data:image/png;base64,${IMAGE}`,
    `https://example.org/${"a".repeat(80)}.png`,
  ],
};

interface Spoiled {
  readonly content: Content;
  readonly names?: readonly string[];
}

const FAULTS: Record<string, (random: Random) => Spoiled> = {
  "a value that is none": (random) => {
    const column = random.pick(Object.keys(WRONG));
    const content = table(HEAD, row("1"), withValue(column, random.pick(WRONG[column]!)));
    return { content, names: ["table.tsv:3: "] };
  },
  "a column that is missing": (random) => {
    const gone = random.int(0, HEAD.length - 1);
    return { content: table(...[HEAD, row("1")].map((fields) => fields.filter((_, i) => i !== gone))) };
  },
  "a column twice": (random) => {
    const again = random.pick(HEAD);
    return { content: table([...HEAD, again], [...row("1"), "x"]), names: ["table.tsv:1", again] };
  },
  "a row of another length": (random) => {
    const fields = random.pick([row("2").slice(0, random.int(1, 4)), [...row("2"), "x"], ["a"]]);
    return { content: table(HEAD, row("1"), fields), names: ["table.tsv:3: has"] };
  },
  "a quote that does not end": () => ({
    content: table(HEAD, row("1"), withValue("question", '"Is there'), row("3")),
    names: ["table.tsv:3: "],
  }),
  "a quote that ends early": (random) => ({
    content: table(
      HEAD,
      row("1"),
      withValue("question", random.pick(['"Is" there?', '"Is "there" a dog?"', '"a"b"c"'])),
    ),
    names: ["table.tsv:3: "],
  }),
  "an id twice": () => ({ content: table(HEAD, row("1"), row("1")), names: ["table.tsv:3: id"] }),
  "an image of a later row": () => ({
    content: table(HEAD, withValue("image", "3"), row("3")),
    names: ["table.tsv:2: image"],
  }),
  "another separator": (random) => {
    const mark = random.pick([",", ";", "|", "    "]);
    return { content: table(HEAD, row("1")).replaceAll("\t", mark) };
  },
  "bytes that are no text": (random) => {
    const whole = Buffer.from(table(HEAD, row("1")));
    const at = random.int(1, whole.length - 2);
    return { content: Buffer.concat([whole.subarray(0, at), Buffer.of(0xff, 0xfe), whole.subarray(at)]) };
  },
  "another encoding": () => ({ content: Buffer.from(`\ufeff${table(HEAD, row("1"))}`, "utf16le") }),
  "a header alone": () => ({ content: table(HEAD) }),
  nothing: (random) => ({ content: random.pick<Content>(["", "\n", "\n\n\n", null, { link: "gone.tsv" }]) }),
  "another file": (random) => ({
    content: random.pick<Content>([
      "PAR1",
      "<html>",
      "{}",
      "[1, 2]",
      Buffer.of(0x50, 0x4b, 3, 4),
      golden("parquet/pope.parquet"),
    ]),
  }),
  "a field without end": (random) => ({
    content: `${table(HEAD, row("1"))}2\trandom\t${random.pick(["", '"'])}${"a".repeat(random.pick([8e7, 3e8]))}`,
    names: ["table.tsv:3: "],
  }),
  "columns without end": (random) => {
    const names = Array.from({ length: 5e5 }, (_, i) => `c${i}`).join("\t");
    return { content: random.pick([`${"a\t".repeat(1e6)}\n${"b\t".repeat(1e6)}\n`, `${names}\n${names}\n`]) };
  },
};

const generate: Generator = (random) => {
  const name = random.pick(Object.keys(FAULTS));
  const { content, names = [] } = FAULTS[name]!(random);
  return importing("pope", { name, file: "table.tsv", content, names });
};
export default generate;
