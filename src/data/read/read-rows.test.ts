import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { UserError } from "../../util/errors.ts";
import { readRows } from "./read-rows.ts";
import type { Row } from "./row.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "read-"));
});
afterEach(() => rm(folder, { recursive: true }));

const golden = (name: string) => fileURLToPath(new URL(`../../../test/golden/parquet/${name}`, import.meta.url));

async function readAll(file: string, columns: string[] = []): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const row of readRows(file, new Set(columns))) rows.push(row);
  return rows;
}

async function readText(name: string, text: string | Uint8Array): Promise<Row[]> {
  const file = join(folder, name);
  await writeFile(file, text);
  return readAll(file);
}

/** The rows' values and lines. */
const seen = (rows: readonly Row[]) => rows.map(({ value, where }) => [value, Number(where.split(":").at(-1))]);

describe("JSON", () => {
  const rows = [
    { a: 'x "}]\\', b: [1, { c: "ä" }] },
    { a: "y\n", b: {} },
  ];

  test.each([
    ["a list", JSON.stringify(rows)],
    ["a list after a byte order mark", `\ufeff${JSON.stringify(rows)}`],
    ["lines", rows.map((row) => JSON.stringify(row)).join("\n")],
    ["lines with blank ones", `\n${rows.map((row) => JSON.stringify(row)).join("\r\n\r\n")}\n`],
    ["an object of rows", JSON.stringify({ "17": rows[0], "a\\": rows[1] })],
    ["pretty lines of a list", JSON.stringify(rows, null, 2)],
  ])("%s gives its rows", async (_, text) => {
    expect((await readText("x.json", text)).map(({ value }) => value)).toEqual(rows);
  });

  test("rows know their line and their key", async () => {
    const [first, second] = await readText("x.json", '{\n"k 1": {"a": 1},\n\n"k2":\n {"a": 2}}');
    expect([first!.key, first!.where]).toEqual(["k 1", `${join(folder, "x.json")}:2`]);
    expect([second!.key, second!.where]).toEqual(["k2", `${join(folder, "x.json")}:4`]);
  });

  test("rows that lie across chunks are whole", async () => {
    const long = Array.from({ length: 9 }, (_, i) => ({ i, text: `${"ü".repeat(30_000)}${i}` }));
    expect((await readText("x.json", JSON.stringify(long))).map(({ value }) => value)).toEqual(long);
  });

  test("any list of objects comes back", async () => {
    const rows = fc.array(fc.dictionary(fc.string(), fc.jsonValue()));
    await fc.assert(
      fc.asyncProperty(rows, async (list) => {
        const read = await readText("x.json", JSON.stringify(list, null, 1));
        expect(read.map(({ value }) => value)).toEqual(JSON.parse(JSON.stringify(list)));
      }),
      { numRuns: 50 },
    );
  });

  test.each([
    ["", undefined],
    ["[]", undefined],
    ["plain text", "x.json:1: is not JSON"],
    ['[{"a": 1},\n 2]', "x.json:2: is not an object"],
    ['{"a": {"b": 1}, "c": 2}', "is not an object"],
    ['[{"a": 1},\n{"a": ', "x.json:2: the file is cut off"],
    ['[{"a": 1},', "the file is cut off"],
    ['{"a": 1}\n{"a": nul}', "x.json:2: is not JSON"],
    ['[{"a": 1}\n{"a": 2}]', "x.json:2: is not JSON: a comma is missing"],
    ['[{"a": 1},,{"a": 2}]', "x.json:1: is not an object"],
    ['[{"a": 1},]', "x.json:1: is not an object"],
    ['[,{"a": 1}]', "x.json:1: is not an object"],
    ['[{"a": 1}}', "x.json:1: is not JSON: a comma is missing"],
    ['{"k": {"a": 1}\n]', "x.json:2: is not JSON: a comma is missing"],
    ['[{"a": 1}]\n[{"a": 2}]', "x.json:2: is not JSON: something stands behind the end"],
    ['{"a": 1},\n{"a": 2}', "x.json:1: is not an object"],
    ['[{"a": 1}]\0', "x.json:1: is not JSON: something stands behind the end"],
    ['[{"a": 1},\n{"b": {"c": 1, "\\u0063": 2}}]', "x.json:2: c: stands twice in one object"],
  ])("of %j it says what is wrong", async (text, message) => {
    const reading = readText("x.json", text);
    if (message === undefined) expect(await reading).toEqual([]);
    else await expect(reading).rejects.toThrow(message);
  });

  test("what is not UTF-8 is refused by its line", async () => {
    await expect(readText("x.jsonl", Buffer.from('{"a":1}\n{"a":"\xff"}', "latin1"))).rejects.toThrow(
      "x.jsonl:2: is not UTF-8",
    );
  });
});

describe("any bytes", () => {
  const marks = fc.constantFrom(
    ...'[|]|{|}|,|:|"|\\\\|\n|\r\n|\t| |null|1|1e999|"a"|"a": |{"a": 1}|PAR1|\ufeff|é'.split("|"),
  );
  const bytes = fc
    .array(
      fc.oneof({ weight: 6, arbitrary: marks.map((mark) => Buffer.from(mark)) }, fc.uint8Array({ maxLength: 3 })),
      {
        maxLength: 24,
      },
    )
    .map((parts) => Buffer.concat(parts));

  test.each(["x.json", "x.jsonl", "x.tsv", "x.parquet"])("give rows, or what is wrong: %s", async (name) => {
    await fc.assert(
      fc.asyncProperty(bytes, async (content) => {
        const read = await readText(name, content).catch((error: unknown) => {
          expect(error).toBeInstanceOf(UserError);
          return [];
        });
        for (const { value, where } of read) {
          expect(value).toBeTypeOf("object");
          expect(where).toContain(name);
        }
      }),
      { seed: 1, numRuns: 150 },
    );
  });
});

describe("TSV", () => {
  test("quotes, tabs and line feeds in fields; the line of a record", async () => {
    const text = 'index\tquestion\timage\r\n1\t"say ""hi""\tand\nthen"\tab"c\r\n2\t\t""\n';
    expect(seen(await readText("x.tsv", text))).toEqual([
      [{ index: "1", question: 'say "hi"\tand\nthen', image: 'ab"c' }, 2],
      [{ index: "2", question: "", image: "" }, 4],
    ]);
  });

  test("fields longer than chunks are whole, and the last line needs no end", async () => {
    const base64 = "A".repeat(300_000);
    const text = `index\timage\n1\t${base64}\n2\t"${base64}""${base64}"`;
    expect(seen(await readText("x.tsv", text))).toEqual([
      [{ index: "1", image: base64 }, 2],
      [{ index: "2", image: `${base64}"${base64}` }, 3],
    ]);
  });

  test("any table comes back", async () => {
    const field = fc.string({ unit: fc.constantFrom("a", "ß", '"', "\t", "\n", " ") });
    const table = fc.array(fc.tuple(field, field), { minLength: 1 });
    const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
    await fc.assert(
      fc.asyncProperty(table, async (rows) => {
        const text = ["a\tb", ...rows.map((row) => row.map(quoted).join("\t"))].join("\n");
        expect((await readText("x.tsv", text)).map(({ value }) => [value.a, value.b])).toEqual(rows);
      }),
      { numRuns: 50 },
    );
  });

  test.each([
    ["a\tb\n1\t2\n3\n", "x.tsv:3: has 1 fields, but the header names 2"],
    ['a\tb\n1\t"2\n3\n', "x.tsv:2: a quoted field does not end"],
    ['a\tb\n1\t"2" or "3"\n', "x.tsv:2: a quoted field goes on behind its end"],
    ['a\tb\n1\t"2" or 3\n', "x.tsv:2: a quoted field goes on behind its end"],
    ["a\tb\ta\n1\t2\t3\n", 'x.tsv:1: the header names "a" twice'],
  ])("of %j it says what is wrong", async (text, message) => {
    await expect(readText("x.tsv", text)).rejects.toThrow(message);
  });
});

describe("parquet", () => {
  /** As make.py computes it; bytes as [first byte, length]. */
  const expected = Array.from({ length: 40 }, (_, i) => {
    const choices = i % 4 < 2 ? [] : Array.from({ length: (i % 5) + 1 }, (_, j) => `choice ${i}-${j}`);
    const bytes = i % 6 < 2 ? undefined : [i, i * 3];
    const path = i % 6 === 0 ? undefined : `${i}.png`;
    return { index: i, question: `Wörter ${i % 3}`, choices, image: { bytes, path }, score: i / 4, flag: i % 2 === 0 };
  });

  const short = ({ value }: Row) => {
    const image = value.image as { bytes?: Uint8Array; path?: string };
    return { ...value, image: { ...image, bytes: image.bytes && [image.bytes[0], image.bytes.length] } };
  };

  test.each(["snappy", "zstd-v2", "plain"])("rows-%s, whose pages end at other rows in each column", async (name) => {
    const columns = ["index", "question", "choices", "image", "score", "flag"];
    expect((await readAll(golden(`rows-${name}.parquet`), columns)).map(short)).toEqual(expected);
  });

  test("of the columns only those asked for, and rows know their number", async () => {
    const rows = await readAll(golden("rows-snappy.parquet"), ["question", "absent"]);
    expect(rows[7]).toMatchObject({
      value: { question: "Wörter 1" },
      where: `${golden("rows-snappy.parquet")}: row 8`,
    });
    expect(Object.keys(rows[7]!.value)).toEqual(["question"]);
  });

  test("a file that is none, or is cut off, is a fault of the user's", async () => {
    await expect(readText("x.parquet", "PAR1 no")).rejects.toThrow(UserError);
    await expect(readText("y.parquet", "")).rejects.toThrow("is not a sound parquet file");
  });
});

test.each([
  ["gone.json", "gone.json: no such file"],
  ["gone.tsv", "gone.tsv: no such file"],
  ["gone.parquet", "gone.parquet: no such file"],
  ["gone.csv", "annotations of this kind are not supported"],
])("%s is named", async (name, message) => {
  await expect(readAll(join(folder, name))).rejects.toThrow(message);
});
