/** @file `grit data import`: a benchmark's official files to data lines. */
import { Command } from "commander";
import type { Benchmark } from "../data/import/benchmark.ts";
import { benchmarkNamed, benchmarks } from "../data/import/benchmarks.ts";
import { type Imported, type ImportOptions, importBenchmark } from "../data/import/import.ts";
import { Interrupted } from "../util/errors.ts";
import { Progress } from "../util/progress.ts";
import { checkOut } from "./result-file.ts";

/** The command `import`, to be added to `grit data`. */
export function importCommand(): Command {
  return new Command("import")
    .description("write data lines from a benchmark's official files")
    .argument("<benchmark>", `one of ${benchmarks.map(({ name }) => name).join(", ")}`)
    .requiredOption(
      "--annotations <files...>",
      "the files as its authors publish them (JSON, JSON Lines, TSV, parquet)",
    )
    .requiredOption("--images <dir>", "folder of its images; images inside the annotations are written into it")
    .requiredOption("--out <file>", "data file to write (JSON lines)")
    .option("--all", "every question, not only those the benchmark is measured by")
    .addHelpText("after", `\nBenchmarks and their files:\n${listing()}\n\nRows and rules: docs/benchmarks.md`)
    .action(async (name: string, options: ImportOptions) => {
      const benchmark = benchmarkNamed(name);
      for (const file of options.annotations) checkOut(options.out, file, "--annotations");
      const imported = await untilInterrupted((throwIfStopped) => {
        const progress = new Progress({ label: "import %", total: 100 });
        const onProgress = (share: number, rows: number) => {
          throwIfStopped();
          progress.update(Math.floor(100 * share), `${rows} rows`);
        };
        return importBenchmark(benchmark, { ...options, onProgress }).finally(() => progress.finish());
      });
      console.log(summary(benchmark, options, imported));
    });
}

/** Lets Ctrl-C end the work at the next row, so that its partial files are removed. */
async function untilInterrupted<T>(work: (throwIfStopped: () => void) => Promise<T>): Promise<T> {
  let stopped = false;
  const stop = () => {
    stopped = true;
  };
  process.once("SIGINT", stop).once("SIGTERM", stop);
  try {
    return await work(() => {
      if (stopped) throw new Interrupted("Interrupted; nothing was written.");
    });
  } finally {
    process.off("SIGINT", stop).off("SIGTERM", stop);
  }
}

function listing(): string {
  return benchmarks.map(({ name, files }) => `  ${name.padEnd(12)} ${files}`).join("\n");
}

function summary({ title, rule }: Benchmark, { all, images, out }: ImportOptions, done: Imported): string {
  const lines = [`${done.samples} samples of ${title} written to ${out}, from ${done.rows} rows.`];
  if (rule && !all) lines.push(`By its rule (${rule.says}): ${done.samples} of ${done.items} questions.`);
  if (done.images > 0) lines.push(`${done.images} images written into ${images}.`);
  if (done.cut > 0) lines.push(`${done.cut} boxes reached over their image by at most 1 % and were cut at its edge.`);
  return [...lines, `Check them with: grit data check ${out}`].join("\n");
}
