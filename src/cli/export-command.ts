/** @file `grit export`: exports a checkpoint as a plain Hugging Face folder with a model card, verifies it, and uploads it when asked. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { hubFrom } from "../hub/hub.ts";
import { Push } from "../hub/push.ts";
import { exportModel } from "../jobs/export-model.ts";
import { UserError } from "../util/errors.ts";
import { Progress } from "../util/progress.ts";
import { bytes } from "../util/quantities.ts";
import { interruptibly, NOTHING_WRITTEN } from "./interrupts.ts";
import { modelOption } from "./model-options.ts";
import { checkNewFolder } from "./result-file.ts";

interface Options {
  readonly model: string;
  readonly out?: string;
  readonly push?: string;
  readonly merge?: boolean;
  readonly verify?: boolean;
}

/** The command `export`. */
export function exportCommand(): Command {
  return new Command("export")
    .description(
      "write a plain Hugging Face folder with a model card from a checkpoint or adapter, without what only training needs",
    )
    .addOption(modelOption())
    .option("--out <dir>", "the folder to write; must not exist")
    .option(
      "--push <org/name>",
      "upload it to this repository of the hub, which is made, private, if it is not there; needs HF_TOKEN",
    )
    .option("--merge", "fold an adapter into its base, so that a whole checkpoint is written")
    .option("--verify", "load the export again and compare every tensor and the log-probabilities of a built-in prompt")
    .action(run);
}

async function run(options: Options): Promise<void> {
  const { out, push } = options;
  if (out !== undefined) checkNewFolder(out);
  if (push === undefined) {
    if (out === undefined)
      throw new UserError(
        "Nothing says where the export goes.",
        "Name a folder with --out, or a repository with --push.",
      );
    return write(options, out);
  }
  // Before the work whose end it would spoil.
  const pushing = new Push(hubFrom(), push);
  const place = out === undefined ? mkdtempSync(join(tmpdir(), "grit-export-")) : undefined;
  try {
    const folder = out ?? join(place!, "model");
    await write(options, folder);
    console.log(await upload(pushing, folder));
  } finally {
    if (place !== undefined) rmSync(place, { recursive: true, force: true });
  }
}

/** Uploads the folder. Gives the commit's address. */
async function upload(pushing: Push, folder: string): Promise<string> {
  let progress: Progress | undefined;
  try {
    return await interruptibly("Interrupted; the same command goes on.", (signal) =>
      pushing.send(folder, {
        signal,
        onBytes: (done, total) => {
          progress ??= new Progress({ label: "upload", total }, { unit: bytes });
          progress.update(done);
        },
        onNotice: (text) => (progress ? progress.note(text) : console.error(text)),
      }),
    );
  } finally {
    progress?.finish();
  }
}

/** Writes the folder, and says what it is. */
async function write({ model, push, merge = false, verify = false }: Options, out: string): Promise<void> {
  const stages = ["read", "write", ...(verify ? ["verify"] : [])];
  const progress = new Progress({ label: "export", total: stages.length });
  const { mergedGap, missingModules } = await interruptibly(NOTHING_WRITTEN, (signal) =>
    exportModel(model, out, {
      merge,
      verify,
      signal,
      ...(push !== undefined && { name: push }),
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
