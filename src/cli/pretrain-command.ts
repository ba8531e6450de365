/** @file `grit pretrain RECIPE`: supervised training, of a small base model from nothing or of a model that is there. */
import { appendFileSync, existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { z } from "zod";
import { averageCheckpoints } from "../checkpoint/average.ts";
import { loadYaml } from "../config/yaml.ts";
import { corpus, cycleSteps, pretrain, pretrainSchema } from "../pretrain/cycles.ts";
import { finetune, loadFinetuneRecipe } from "../pretrain/finetune.ts";
import { makeFreshCheckpoint } from "../pretrain/fresh.ts";
import { teachVision } from "../pretrain/vision.ts";
import { computeType } from "../torch/precision.ts";
import { Interrupted, UserError } from "../util/errors.ts";
import { Progress } from "../util/progress.ts";
import { Interrupts } from "./interrupts.ts";

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
      if (existsSync(out)) throw new UserError(`${out} already exists.`, "Choose another --out, or move it away.");
      const { model } = await loadYaml(file, z.looseObject({ model: z.unknown().optional() }), { overrides });
      if (model === undefined) await fromNothing(file, overrides, out);
      else await fromModel(file, overrides, out);
      console.log(`The checkpoint is in ${out}.`);
    });
}

async function fromModel(file: string, overrides: readonly string[], out: string): Promise<void> {
  const recipe = await loadFinetuneRecipe(file, overrides, { files: true });
  using interrupts = new Interrupts();
  const progress = new Progress({ label: "fine-tune", total: recipe.steps });
  try {
    await finetune(recipe, out, {
      onStep: ({ step, loss }) => progress.update(step, `loss ${loss.toFixed(3)}`),
      signal: interrupts.signal,
    });
  } catch (error) {
    if (error !== interrupts.signal.reason) throw error;
    throw new Interrupted("Interrupted; nothing is written, since fine-tuning on a few samples is short.");
  }
  progress.finish();
}

async function fromNothing(file: string, overrides: readonly string[], out: string): Promise<void> {
  const recipe = await loadYaml(file, pretrainSchema, { overrides, models: ["language"] });
  const partial = `${out}.partial`;
  rmSync(partial, { recursive: true, force: true });
  makeFreshCheckpoint(join(partial, "fresh"), recipe, corpus(recipe));
  const { vision, cycles } = recipe;
  const total = cycles.reduce((steps, cycle) => steps + cycleSteps(cycle), 0);
  const scenes = cycles.flatMap(({ stages }) => stages).reduce((n, stage) => n + stage.steps * stage.scenes, 0);
  const progress = new Progress([
    { label: "vision", total: vision.steps, weight: vision.scenes_per_step },
    // Its lessons make a scene several times as long as its image alone.
    { label: "pretrain", total, weight: (4 * scenes) / total },
  ]);
  teachVision(join(partial, "fresh"), recipe.seed, recipe.vision, computeType(recipe.precision, "cpu"), (line) => {
    const f = (value: number) => value.toFixed(3);
    progress.update(
      line.step + 1,
      `shape ${f(line.shape)}  colour ${f(line.color)}  edges ${line.edges.toFixed(1)} px  units ${f(line.units)}`,
    );
  });
  progress.enter("pretrain");
  let done = 0;
  const made = [join(partial, "fresh")];
  for (const [i, cycle] of recipe.cycles.entries()) {
    const engine = pretrain(made.at(-1)!, recipe, cycle, done, (line) => {
      appendFileSync(join(partial, "pretrain.jsonl"), `${JSON.stringify(line)}\n`);
      progress.update(line.step + 1, `loss ${line.loss.toFixed(3)}  ${line.tokensPerSecond.toFixed(0)} tokens/s`);
    });
    made.push(join(partial, `cycle-${i + 1}`));
    engine.export(made.at(-1)!);
    engine.dispose();
    done += cycleSteps(cycle);
  }
  progress.finish();
  averageCheckpoints(made.slice(1).slice(-recipe.average), join(partial, "result"));
  renameSync(join(partial, "result"), out);
  rmSync(partial, { recursive: true });
}
