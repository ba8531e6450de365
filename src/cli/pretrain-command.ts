/** @file `grit pretrain RECIPE`: supervised training, of a small base model from nothing or of a model that is there. */
import { Command } from "commander";
import { z } from "zod";
import { placing } from "../config/key-places.ts";
import { loadYaml } from "../config/yaml.ts";
import { type PretrainListener, pretrainFresh } from "../jobs/pretrain-fresh.ts";
import { cycleSteps, pretrainSchema } from "../pretrain/cycles.ts";
import { type FinetuneMetrics, finetune, loadFinetuneRecipe } from "../pretrain/finetune.ts";
import { Progress } from "../util/progress.ts";
import { Interrupts, interruptibly } from "./interrupts.ts";
import { checkNewFolder } from "./result-file.ts";

/** The command `pretrain`. */
export function pretrainCommand(): Command {
  return new Command("pretrain")
    .description(
      "supervised training. A recipe that names a model (recipes/tiny-sft.yaml) fine-tunes it on data files; one that names none " +
        "(recipes/tiny-base.yaml) makes a small base model from nothing, on rendered scenes.",
    )
    .argument("<recipe>", "a YAML file, or a recipe that comes with the package: tiny-base, tiny-sft")
    .argument("[overrides...]", "of the recipe's keys, e.g. steps=100")
    .requiredOption("--out <dir>", "folder for the trained model; must not exist")
    .action(async (file: string, overrides: string[], { out }: { out: string }) => {
      checkNewFolder(out);
      const { model } = await loadYaml(file, z.looseObject({ model: z.unknown().optional() }), { overrides });
      if (model === undefined) await fromNothing(file, overrides, out);
      else await fromModel(file, overrides, out);
      console.log(`The checkpoint is in ${out}.`);
    });
}

async function fromModel(file: string, overrides: readonly string[], out: string): Promise<void> {
  const recipe = await loadFinetuneRecipe(file, overrides, { files: true });
  const progress = new Progress({ label: "fine-tune", total: recipe.steps });
  const onStep = ({ step, loss }: FinetuneMetrics) => progress.update(step, `loss ${loss.toFixed(3)}`);
  await placing(recipe, () =>
    interruptibly("Interrupted; nothing is written, since fine-tuning on a few samples is short.", (signal) =>
      finetune(recipe, out, { onStep, signal }),
    ),
  );
  progress.finish();
}

async function fromNothing(file: string, overrides: readonly string[], out: string): Promise<void> {
  const recipe = await loadYaml(file, pretrainSchema, {
    overrides,
    models: ["language"],
    present: () => ({ models: ["language"] }),
  });
  const { vision, cycles } = recipe;
  const total = cycles.reduce((steps, cycle) => steps + cycleSteps(cycle), 0);
  const scenes = cycles.flatMap(({ stages }) => stages).reduce((n, stage) => n + stage.steps * stage.scenes, 0);
  const progress = new Progress([
    { label: "vision", total: vision.steps, weight: vision.scenes_per_step },
    // Its lessons make a scene several times as long as its image alone.
    { label: "pretrain", total, weight: (4 * scenes) / total },
  ]);
  const f = (value: number) => value.toFixed(3);
  using interrupts = new Interrupts();
  const listener: PretrainListener = {
    signal: interrupts.signal,
    onVisionStep: ({ step, shape, color, edges, units }) =>
      progress.update(
        step + 1,
        `shape ${f(shape)}  colour ${f(color)}  edges ${edges.toFixed(1)} px  units ${f(units)}`,
      ),
    onStep: ({ step, loss, tokensPerSecond }) => {
      progress.enter("pretrain");
      progress.update(step + 1, `loss ${f(loss)}  ${tokensPerSecond.toFixed(0)} tokens/s`);
    },
  };
  await placing(recipe, () => pretrainFresh(recipe, out, listener));
  progress.finish();
}
