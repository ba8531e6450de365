/**
 * @file Peak memory and time of `grit data import` on a TSV file of many rows, each with its own image, and on the same rows as
 * parquet with all of them in one row group.
 *
 *     npx tsx bench/import.ts [--rows 100000] [--python PYTHON]      # parquet only with a Python that has pyarrow
 *
 * The files (about 1.5 GB for 100,000 rows) are made in the system's folder for temporary files, and removed.
 */
import { execFileSync } from "node:child_process";
import { createWriteStream, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import sharp from "sharp";
import { importBenchmark } from "../src/data/import/import.ts";
import { pope } from "../src/data/import/pope.ts";
import { stream } from "../src/util/random.ts";

const SIDE = 40;

const { values } = parseArgs({
  options: {
    rows: { type: "string", default: "100000" },
    python: { type: "string" },
    only: { type: "string" }, // the file that a child process imports
  },
});
if (values.only) await measured(values.only);
else await main(Number(values.rows));

async function main(rows: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "grit-import-"));
  try {
    const image = await noise();
    const tsv = join(folder, "rows.tsv");
    await pipeline(Readable.from(tsvLines(rows, image)), createWriteStream(tsv));
    report(tsv);
    rmSync(tsv);
    if (!values.python) return;
    const [picture, parquet] = [join(folder, "image.png"), join(folder, "rows.parquet")];
    writeFileSync(picture, image);
    const script = fileURLToPath(new URL("make_parquet.py", import.meta.url));
    execFileSync(values.python, [script, parquet, String(rows), picture], { stdio: "inherit" });
    report(parquet);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Imports a file in a process of its own and prints what that took. */
function report(file: string): void {
  const self = fileURLToPath(import.meta.url);
  const out = execFileSync(process.execPath, ["--import", "tsx", self, "--only", file], { encoding: "utf8" });
  console.log(JSON.stringify({ ...JSON.parse(out), fileMB: Math.round(statSync(file).size / 1e6) }));
}

async function measured(file: string): Promise<void> {
  const started = performance.now();
  const images = `${file}.images`;
  const { samples } = await importBenchmark(pope, { annotations: [file], images, out: `${file}.jsonl` });
  const seconds = Math.round((performance.now() - started) / 1000);
  rmSync(images, { recursive: true });
  const peakMB = Math.round(process.resourceUsage().maxRSS / 1024);
  console.log(JSON.stringify({ file: file.split(".").at(-1), samples, images: samples, seconds, peakMB }));
}

/** A PNG that does not compress: about five kilobytes. */
function noise(): Promise<Buffer> {
  const random = stream(1, "bench", "import");
  const pixels = Uint8Array.from({ length: SIDE * SIDE * 3 }, () => random.int(0, 255));
  return sharp(pixels, { raw: { width: SIDE, height: SIDE, channels: 3 } })
    .png()
    .toBuffer();
}

function* tsvLines(rows: number, image: Buffer): Generator<string> {
  yield "index\tcategory\tquestion\tanswer\timage\n";
  for (let i = 0; i < rows; i++) {
    // Bytes after a PNG's end make it another file and leave it the same picture.
    const bytes = Buffer.concat([image, Buffer.from(String(i).padStart(8, "0"))]);
    yield `${i}\trandom\tIs there an object ${i} in the image?\tno\t${bytes.toString("base64")}\n`;
  }
}
