/** @file Parquet files that are cut, whose footers lie, whose pages are noise, or that hold another table. */
import type { Random } from "../../../src/util/random.ts";
import { golden, importing } from "../data-line.ts";
import type { Content, Generator } from "../hostile.ts";

const BENCHMARKS = ["pope", "mmstar", "realworldqa", "mathvista", "mme", "blink"] as const;

const noise = (random: Random, length: number) => Buffer.from(Array.from({ length }, () => random.int(0, 255)));

/** Where the footer of a file begins; its length and four letters stand behind it. */
const footer = (bytes: Buffer) => bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8);

/** A copy with other bytes from `start` on. */
function replaced(bytes: Buffer, start: number, by: Uint8Array): Buffer {
  const copy = Buffer.from(bytes);
  copy.set(by, start);
  return copy;
}

const FAULTS: Record<string, (random: Random, bytes: Buffer) => Content> = {
  "cut off": (random, bytes) => bytes.subarray(0, random.int(1, bytes.length - 1)),
  "a beginning that is missing": (random, bytes) => bytes.subarray(random.int(100, bytes.length - 9)),
  "an end that is none": (random, bytes) =>
    replaced(bytes, bytes.length - 4, Buffer.from(random.pick(["PAR2", "PARE", "\0\0\0\0"]))),
  "a footer whose length lies": (random, bytes) => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(random.pick([0, 1, 7, bytes.length, 2 ** 31, 2 ** 32 - 1]));
    return replaced(bytes, bytes.length - 8, length);
  },
  "a footer of noise": (random, bytes) => {
    const start = footer(bytes);
    return replaced(bytes, start, noise(random, bytes.length - 8 - start));
  },
  "a footer that ends in noise": (random, bytes) => {
    const start = footer(bytes) + random.int(4, 60);
    return replaced(bytes, start, noise(random, bytes.length - 8 - start));
  },
  "a footer of one value": (random, bytes) => {
    const start = footer(bytes);
    return replaced(bytes, start, Buffer.alloc(bytes.length - 8 - start, random.pick([0, 0x15, 0x19, 0x1c, 0xff])));
  },
  "pages of noise": (random, bytes) => replaced(bytes, 4, noise(random, footer(bytes) - 4)),
  "pages of one value": (random, bytes) =>
    replaced(bytes, 4, Buffer.alloc(footer(bytes) - 4, random.pick([0, 0x15, 0x7f, 0xff]))),
  "another table": (random) => golden(`parquet/rows-${random.pick(["plain", "snappy", "zstd-v2"])}.parquet`),
  "another file": (random) =>
    random.pick<Content>(["PAR1PAR1", "{}", "index\tquestion\n", Buffer.of(0x1f, 0x8b, 8, 0), "PAR1\0\0\0\0PAR1"]),
  nothing: (random) => random.pick<Content>(["", null, { link: "gone.parquet" }, { link: "/dev/zero" }]),
};

const generate: Generator = (random) => {
  const benchmark = random.pick(BENCHMARKS);
  const name = random.pick(Object.keys(FAULTS));
  const content = FAULTS[name]!(random, golden(`parquet/${benchmark}.parquet`));
  return importing(benchmark, { name, file: "table.parquet", content, names: [] });
};
export default generate;
