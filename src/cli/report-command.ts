/** @file `grit report RUN`: the page and the tables of a run. */

import { Command } from "commander";
import { beforeAfterTable, rowsTable } from "../report/text-table.ts";
import { writeReport } from "../report/write-report.ts";
import { readRunFolder } from "../run/read-run.ts";

/** The command that writes a run's `report.html` and prints its results. It reads finished and live runs, and writes nothing else. */
export function reportCommand(): Command {
  return new Command("report")
    .description("write RUN/report.html, a self-contained page, and print the tables of the run")
    .argument("<run>", "a run folder, finished or still running, for example runs/quickstart")
    .action(async (run: string) => {
      const file = await writeReport(run);
      const { summary } = await readRunFolder(run);
      if (summary?.sets) console.log(`${beforeAfterTable(summary)}\n`);
      if (summary?.rows) console.log(`${rowsTable(summary)}\n`);
      console.log(file);
    });
}
