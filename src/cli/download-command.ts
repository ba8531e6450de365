/** @file `grit download REPO`: a model from the Hugging Face hub into the cache that all its tools share. */
import { Command } from "commander";
import { namesOf } from "../hub/choose-files.ts";
import { download, type Plan } from "../hub/download.ts";
import { hubFrom } from "../hub/hub.ts";
import { parseId } from "../hub/id.ts";
import { Interrupted, UserError } from "../util/errors.ts";
import { Progress } from "../util/progress.ts";
import { bytes } from "../util/quantities.ts";
import { Interrupts } from "./interrupts.ts";

interface Options {
  readonly revision: string;
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
}

export function downloadCommand(): Command {
  return new Command("download")
    .description(
      "fetch a model from the Hugging Face hub into its cache: safetensors, configuration and tokenizer files; an " +
        "interrupted download continues where it stopped",
    )
    .argument("<repo>", "e.g. Qwen/Qwen2.5-VL-3B-Instruct")
    .option("--revision <name>", "a branch, tag or commit", "main")
    .option(
      "--include <patterns...>",
      "download the files with these names or patterns instead of what a model needs, e.g. '*.json'; pickles and Python code are never downloaded",
    )
    .option("--exclude <patterns...>", "files not to download")
    .action(run);
}

async function run(repo: string, { revision, ...filter }: Options): Promise<void> {
  const id = parseId(`${repo}@${revision}`);
  if (!id || id.repo !== repo)
    throw new UserError(
      `${repo}${revision === "main" ? "" : ` with --revision ${revision}`} is not the name of a model on the hub.`,
      "Write org/name as on the model's page, e.g. Qwen/Qwen2.5-VL-3B-Instruct, and a branch, tag or commit as --revision.",
    );
  const hub = hubFrom();
  using interrupts = new Interrupts();
  const { signal } = interrupts;
  let progress: Progress | undefined;
  let folder: string;
  try {
    folder = await download(hub, id, {
      ...filter,
      signal,
      onPlan: (plan) => {
        console.log(planText(repo, plan));
        if (plan.missing > 0)
          progress = new Progress({ label: "download", total: plan.missing, done: plan.begun }, { unit: bytes });
      },
      onBytes: (done, file) => progress?.update(done, file),
      onNotice: (text) => console.error(`\n${text}`),
    });
  } catch (error) {
    throw signal.aborted ? new Interrupted("Interrupted. The same command continues where it stopped.") : error;
  } finally {
    progress?.finish();
  }
  const name = revision === "main" ? repo : `${repo}@${revision}`;
  const note = hub.offline ? "HF_HUB_OFFLINE is set, so nothing was fetched. " : "";
  console.log(`${note}${name} is in ${folder}; recipes and --model take it by its name.`);
}

/** What is here, what will be fetched, and what is left out. */
function planText(repo: string, { commit, chosen, refused, missing, begun }: Plan): string {
  const come = missing === 0 ? "all here already" : `${bytes(missing - begun)} to fetch`;
  const lines = [`${repo}, commit ${commit}: ${chosen.length} files, ${come}.`];
  if (refused.length > 0) lines.push(`Left out, as they can run code: ${namesOf(refused)}.`);
  return lines.join("\n");
}
