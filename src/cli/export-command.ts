/** @file `grit export`: exports a checkpoint as a plain Hugging Face folder, and verifies it. */
import { Command } from "commander";
import { exportModel } from "../jobs/export-model.ts";
import { Progress } from "../util/progress.ts";
import { interruptibly, NOTHING_WRITTEN } from "./interrupts.ts";
import { modelOption } from "./model-options.ts";
import { checkNewFolder } from "./result-file.ts";

interface Options {
  readonly model: string;
  readonly out: string;
  readonly merge?: boolean;
  readonly verify?: boolean;
}

/** The command `export`. */
export function exportCommand(): Command {
  return new Command("export")
    .description("write a plain Hugging Face folder from a checkpoint or adapter, without what only training needs")
    .addOption(modelOption())
    .requiredOption("--out <dir>", "the folder to write; must not exist")
    .option("--merge", "fold an adapter into its base, so that a whole checkpoint is written")
    .option("--verify", "load the export again and compare every tensor and the log-probabilities of a built-in prompt")
    .action(run);
}

async function run({ model, out, merge = false, verify = false }: Options): Promise<void> {
  checkNewFolder(out);
  const stages = ["read", "write", ...(verify ? ["verify"] : [])];
  const progress = new Progress({ label: "export", total: stages.length });
  const { mergedGap, missingModules } = await interruptibly(NOTHING_WRITTEN, (signal) =>
    exportModel(model, out, {
      merge,
      verify,
      signal,
      onStage: (stage) => progress.update(stages.indexOf(stage), stage === "read" ? `read ${model}` : stage),
    }),
  );
  progress.update(stages.length);
  progress.finish();
  console.log(`${model} is exported to ${out}${verify ? `; ${proof(mergedGap)}` : ""}.`);
  if (missingModules.length > 0)
    console.log(
      `transformers loads it by code that is never downloaded here: copy ${missingModules.join(", ")}, and the modules that they import, from the model's repository on the hub.`,
    );
}

function proof(mergedGap: number | undefined): string {
  return mergedGap === undefined
    ? "every tensor and the log-probabilities of a built-in prompt are the same"
    : `the log-probabilities of a built-in prompt are those of the adapter to within ${mergedGap.toPrecision(2)}`;
}
