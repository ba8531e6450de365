/**
 * @file Trains a tiny tokenizer and writes it with its chat template and image processor.
 * usage: tsx tools/make-tokenizer.ts CORPUS.txt OUT_DIR [--max-vocab N] [--min-pixels N] [--max-pixels N]
 * CORPUS.txt holds one text a line; its line breaks are part of the text.
 */

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { trainTokenizer } from "../src/prompt/bpe_train.ts";
import { writePromptFiles } from "../src/prompt/tokenizer_files.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    "max-vocab": { type: "string", default: "4096" },
    "min-pixels": { type: "string", default: "3136" },
    "max-pixels": { type: "string", default: "200704" },
  },
});
const [corpus, out] = positionals;
if (corpus === undefined || out === undefined) {
  console.error(
    "usage: tsx tools/make-tokenizer.ts CORPUS.txt OUT_DIR [--max-vocab N] [--min-pixels N] [--max-pixels N]",
  );
  process.exit(2);
}
const lines = readFileSync(corpus, "utf8").split(/(?<=\n)/);
const trained = trainTokenizer(lines, { maxVocab: Number(values["max-vocab"]) });
writePromptFiles(out, trained, { minPixels: Number(values["min-pixels"]), maxPixels: Number(values["max-pixels"]) });
