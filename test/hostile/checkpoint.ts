/** @file What the kinds of hostile checkpoints share: sound folders to spoil, and the commands that open them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Random } from "../../src/util/random.ts";
import type { Content, Hostile } from "./hostile.ts";

/** A sound checkpoint in each layout. */
export const LAYOUTS = ["qwen2_5_vl/tied", "qwen2_5_vl/released", "internvl/tied", "internvl/original"] as const;
export type Layout = (typeof LAYOUTS)[number];

const LINE = {
  id: "a",
  image: "image.png",
  question: "What is left of it?",
  answer: "no",
  dataset: "test",
  completion: "no",
};
const IMAGE = readFileSync(new URL("../golden/images/files/rgb-64x48.png", import.meta.url));

/** An input that opens a checkpoint of a layout, files of which are replaced, by one of the commands that do. */
export function opening(
  random: Random,
  layout: Layout,
  { name, files, names }: { name: string; files: Readonly<Record<string, Content>>; names: readonly string[] },
): Hostile {
  const model = ["--model", "DIR/model", "--out", "DIR/out"];
  const asked = [...model, "--data", "DIR/data.jsonl", "--device", "cpu", "--precision", "float32"];
  return {
    name: `${layout}: ${name}`,
    bases: { model: folderOf(layout) },
    files: {
      "data.jsonl": `${JSON.stringify(LINE)}\n`,
      "image.png": IMAGE,
      ...Object.fromEntries(Object.entries(files).map(([file, content]) => [`model/${file}`, content])),
    },
    command: random.pick([
      ["score", ...asked],
      ["generate", ...asked, "--max-tokens", "2"],
      ["export", ...model],
    ]),
    names: ["/model", ...names],
    out: "out",
  };
}

/** The folder of a sound checkpoint. */
export function folderOf(layout: Layout): string {
  return fileURLToPath(new URL(`../golden/${layout.replace("/", "/checkpoints/")}`, import.meta.url));
}

/** A file of a sound checkpoint. */
export function bytesOf(layout: Layout, file: string): Buffer {
  return readFileSync(join(folderOf(layout), file));
}

export type Json = Record<string, unknown>;

/** The same, as JSON to change. */
export function jsonOf(layout: Layout, file: string): Json {
  return JSON.parse(bytesOf(layout, file).toString()) as Json;
}

/** Values that are none of what most keys want, whatever that is. */
export function nonsense(random: Random): unknown {
  return random.pick<unknown>([
    null,
    "",
    "seven",
    -1,
    0.5,
    1e300,
    true,
    [],
    {},
    [[1]],
    [null, null],
    { a: 1 },
    "../../etc",
  ]);
}
