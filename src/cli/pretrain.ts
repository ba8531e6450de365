/** @file `grit pretrain RECIPE`: a small base model from nothing, on the scenes world. */
import { appendFileSync, existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { UserError } from "../errors.ts";
import { cycleSteps, makeFreshCheckpoint, pretrain, pretrainSchema } from "../pretrain.ts";
import { teachVision } from "../pretrain_vision.ts";
import { Progress } from "../progress.ts";
import { loadYaml } from "../yaml.ts";

export function pretrainCommand(): Command {
  return new Command("pretrain")
    .description("train a small base model from nothing on the scenes world")
    .argument("<recipe>", "a YAML file, e.g. recipes/tiny-base.yaml")
    .argument("[overrides...]", "e.g. steps=100")
    .requiredOption("--out <dir>", "where the checkpoint goes; must not exist")
    .action(async (file: string, overrides: string[], { out }: { out: string }) => {
      if (existsSync(out)) throw new UserError(`${out} already exists.`, "Choose another --out, or move it away.");
      const recipe = await loadYaml(file, pretrainSchema, { overrides });
      const partial = `${out}.partial`;
      rmSync(partial, { recursive: true, force: true });
      makeFreshCheckpoint(join(partial, "fresh"), recipe);
      const seeing = new Progress({ label: "vision", total: recipe.vision.steps });
      teachVision(join(partial, "fresh"), recipe.seed, recipe.vision, (line) => {
        const f = (value: number) => value.toFixed(3);
        seeing.update(
          line.step + 1,
          `shape ${f(line.shape)}  colour ${f(line.color)}  edges ${line.edges.toFixed(1)} px  units ${f(line.units)}`,
        );
      });
      seeing.finish();
      const total = recipe.cycles.reduce((steps, cycle) => steps + cycleSteps(cycle), 0);
      const progress = new Progress({ label: "pretrain", total });
      let done = 0;
      let from = join(partial, "fresh");
      for (const [i, cycle] of recipe.cycles.entries()) {
        const engine = pretrain(from, recipe, cycle, done, (line) => {
          appendFileSync(join(partial, "pretrain.jsonl"), `${JSON.stringify(line)}\n`);
          progress.update(line.step + 1, `loss ${line.loss.toFixed(3)}  ${line.tokensPerSecond.toFixed(0)} tokens/s`);
        });
        from = join(partial, `cycle-${i + 1}`);
        engine.export(from);
        engine.dispose();
        done += cycleSteps(cycle);
      }
      progress.finish();
      renameSync(from, out);
      rmSync(partial, { recursive: true });
      console.log(`The checkpoint is in ${out}.`);
    });
}
