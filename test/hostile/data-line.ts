/** @file What the kinds of hostile data share: a sound line with its image, and the command that checks it. */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import type { Random } from "../../src/util/random.ts";
import type { Content, Hostile } from "./hostile.ts";

/** A sound line about `image.png` of 64x48 pixels, which lies beside it. */
export const LINE = {
  id: "a",
  question: "What is left of it?",
  answer: "no",
  image: "image.png",
  width: 64,
  height: 48,
  bboxs: [[1, 2, 30, 40]],
  dataset: "vsr",
  split: "val",
};

/** A file of test/golden. */
export function golden(file: string): Buffer {
  return readFileSync(new URL(`../golden/${file}`, import.meta.url));
}

/** An input whose `data.jsonl` or images are spoiled, for one of the commands that read them. */
export function checking(
  random: Random,
  { name, files, names }: { name: string; files: Readonly<Record<string, Content>>; names: readonly string[] },
): Hostile {
  const model = fileURLToPath(new URL("../golden/qwen2_5_vl/checkpoints/tied", import.meta.url));
  const asked = ["--model", model, "--data", "DIR/data.jsonl", "--out", "DIR/out", "--device", "cpu"];
  return {
    name,
    files: { "data.jsonl": `${JSON.stringify(LINE)}\n`, "image.png": golden("images/files/rgb-64x48.png"), ...files },
    command: random.pick([
      ["data", "check", "DIR/data.jsonl"],
      ["generate", ...asked, "--max-tokens", "2"],
    ]),
    names,
    out: "out",
  };
}

/** An input whose annotations of a benchmark are spoiled. */
export function importing(
  benchmark: string,
  { name, file, content, names }: { name: string; file: string; content: Content; names: readonly string[] },
): Hostile {
  const [annotations, images, out] = [`DIR/${file}`, "DIR/images", "DIR/out.jsonl"];
  const folder = content === null ? { [`${file}/x`]: "" } : {};
  return {
    name: `${benchmark}: ${name}`,
    files: { [file]: content, ...folder },
    command: ["data", "import", benchmark, "--annotations", annotations, "--images", images, "--out", out, "--all"],
    names: [basename(file), ...names],
    out: "out.jsonl",
  };
}
