/**
 * @file The recipe of a table: ways of asking the same sets, each with a model that exists or is made first. The work can be
 * interrupted and resumed at any time:
 *
 *     OUT/models/<row>/   what had to be trained, for the first row that needs it: a run folder, or a checkpoint
 *     OUT/rows/<row>/     one evaluation a row and seed
 */
import { dirname, join } from "node:path";
import { z } from "zod";
import { evalJudgeSchema } from "../config/judge-settings.ts";
import { about } from "../config/key-places.ts";
import { recipeFields } from "../config/recipe.ts";
import { recipeFile } from "../config/recipe-file.ts";
import { toImage } from "../config/recipe-options.ts";
import { loadYaml } from "../config/yaml.ts";
import { DEFAULT_COUNTS, renderSets } from "../data/scenes/sets.ts";
import type { Engine } from "../engine/engine.ts";
import { RemoteEngine } from "../engine/remote-engine.ts";
import { type EvaluationFollowing, loadSets, runEvaluation, settledFor } from "../evaluation/evaluate.ts";
import { needRatable } from "../evaluation/ratable.ts";
import type { Judge, Rater } from "../judge/judge.ts";
import { METHOD_NAMES } from "../prompt/methods.ts";
import { FolderLock } from "../util/folder-lock.ts";
import { unlessAborted } from "../util/interruptible.ts";
import { type MakingListener, type ModelToMake, makeModel, modelToMake } from "./made-models.ts";

const path = z.string().min(1);
const seed = z.int().nonnegative();

const rowSchema = z.strictObject({
  method: z.enum(METHOD_NAMES),
  /** A checkpoint or run folder instead of the table's `model`. */
  model: path.optional(),
  /** Or the recipe of `grit train` that makes the model. */
  train: path.optional(),
  /** Or the recipe of `grit pretrain` that makes it. */
  pretrain: path.optional(),
  /** Keys of that recipe with other values: `{ prompts_per_step: 2, "rewards.weights.counting": 0 }`. */
  set: z.record(z.string(), z.unknown()).optional(),
  /** Of `train`, the checkpoint after this step: rows of one recipe that differ in it alone share one run. */
  step: z.int().positive().optional(),
  /** Text that every answer begins with. */
  prefix: z.string().default(""),
  /** Sampled, and trained where a recipe makes the model, once with each: the row is their mean. */
  seeds: z.array(seed).min(1).optional(),
});

export const evalSchema = z
  .strictObject({
    /** Folder of the scenes world, rendered first unless it is there. */
    scenes: path.optional(),
    /** Data files by the name of their set. */
    sets: z.record(z.string(), path).refine((sets) => Object.keys(sets).length > 0, "names no set"),
    /** Folder that image paths start at, instead of each data file's own. */
    images: path.optional(),
    /** Only the first samples of each set. */
    limit: z.int().positive().optional(),
    /** The checkpoint or run folder of every row that names no other. */
    model: path.optional(),
    /** The rows of the table by name. */
    rows: z.record(z.string(), rowSchema),
    judge: evalJudgeSchema.prefault({}),
    /** 0 is greedy. */
    temperature: z.number().nonnegative().default(0),
    max_tokens: recipeFields.shape.sampling.unwrap().shape.max_tokens,
    seed: seed.default(1),
    image: recipeFields.shape.image,
    precision: recipeFields.shape.precision,
    device: recipeFields.shape.device,
  })
  .superRefine(({ model, rows }, context) => {
    for (const [name, row] of Object.entries(rows)) {
      const refuse = (message: string) => context.addIssue({ code: "custom", path: ["rows", name], message });
      if (!/^\w[\w.-]*$/.test(name)) refuse("is not a valid folder name: use letters, digits, dots and dashes");
      const given = (["model", "train", "pretrain"] as const).filter((key) => row[key] !== undefined);
      if (given.length > 1) refuse(`has ${given.join(" and ")}: a row has one model`);
      if (given.length === 0 && model === undefined) refuse("has no model, and the table names none");
      if (row.set && !row.train && !row.pretrain) refuse("sets keys of a recipe, but names none by train or pretrain");
      if (row.step && !row.train) refuse("names a step, but no run by train");
      if (new Set(row.seeds).size < (row.seeds?.length ?? 0)) refuse("names a seed twice");
    }
  });
/** The recipe, and the file it was read from: what its rows set starts there. */
export type EvalRecipe = z.infer<typeof evalSchema> & { readonly file: string };
type Row = z.infer<typeof rowSchema>;

/**
 * As `loadRecipe`; `files`: models, recipes of rows and sets must be there; not those sets that are rendered first.
 * @throws UserError naming every fault by file, line and key
 */
export async function loadEvalRecipe(
  named: string,
  overrides: readonly string[] = [],
  { files = false }: { readonly files?: boolean } = {},
): Promise<EvalRecipe> {
  const file = recipeFile(named);
  const recipe = await loadYaml(file, evalSchema, {
    overrides,
    present: ({ scenes }) =>
      files
        ? {
            files: ["rows.*.train", "rows.*.pretrain", ...(scenes ? [] : ["sets.*"])],
            folders: scenes ? [] : ["images"],
            models: ["model", "rows.*.model"],
          }
        : {},
    models: ["model", "rows.*.model"],
    paths: ["scenes", "sets.*", "images", "rows.*.train", "rows.*.pretrain"],
  });
  return { ...recipe, file };
}

export type RowFollowing = Required<Pick<EvaluationFollowing, "onChecked" | "onFound" | "onProgress">>;

/** Callbacks that follow the making of a table. */
export interface TableListener {
  readonly signal: AbortSignal;
  /** As a `MakingListener`'s, with the row that the model is for. */
  readonly onTraining: (
    row: string,
    ...plan: Parameters<MakingListener["onTraining"]>
  ) => ReturnType<MakingListener["onTraining"]>;
  /** Called when the model of the first row is open: what it computes with is the same for all. */
  readonly onOpened?: (engine: Engine) => void;
  /** Called before the first row, with the samples of each row; gives the callbacks for each row in turn. */
  readonly onRows: (rows: number, samples: number) => (row: string) => RowFollowing;
}

/**
 * Makes the models that are missing, then every row, and continues where it stopped. Gives the rows' folders.
 * @throws UserError for bad data, a model made by another recipe, a row of another evaluation, another process at work there; when the signal fires, its
 * reason or Interrupted
 */
export async function runTable(
  recipe: EvalRecipe,
  out: string,
  judge: Judge | Rater,
  listener: TableListener,
): Promise<string[]> {
  const { signal } = listener;
  const { scenes } = recipe;
  if (scenes) await about("scenes", () => renderSets({ out: scenes, seed: 1, counts: DEFAULT_COUNTS, signal }));
  const sets = await unlessAborted(signal, loadSets(recipe.sets, recipe));
  needRatable(judge, sets);
  using _lock = FolderLock.take(out);
  const jobs = await jobsOf(recipe, out);
  const models: string[] = [];
  for (const { model, folder } of jobs) {
    const onTraining: MakingListener["onTraining"] = (...plan) => listener.onTraining(folder, ...plan);
    models.push(typeof model === "string" ? model : await makeModel(model, { signal, onTraining }));
  }
  const rowFollowing = listener.onRows(
    jobs.length,
    sets.reduce((n, { samples }) => n + samples.length, 0),
  );
  for (const [i, { name, folder, row, seed }] of jobs.entries()) {
    const model = models[i]!;
    const { temperature, max_tokens: maxTokens, device, precision } = recipe;
    const dir = join(out, "rows", folder);
    const asking = { method: row.method, temperature, maxTokens, seed, prefix: row.prefix };
    const options = { device, precision: settledFor(precision, dir), image: toImage(recipe.image) };
    const key = row.model === undefined ? "model" : `rows.${name}.model`;
    const engine = await about(key, () => RemoteEngine.open(model, options, { signal }));
    if (i === 0) listener.onOpened?.(engine);
    try {
      await runEvaluation(engine, { name, model, sets, asking, judge }, { dir, signal, ...rowFollowing(folder) });
    } finally {
      await engine.dispose();
    }
  }
  return jobs.map(({ folder }) => join(out, "rows", folder));
}

/** One row with one seed. */
interface Job {
  readonly name: string;
  /** Its name among models and rows. */
  readonly folder: string;
  readonly row: Row;
  readonly seed: number;
  readonly model: string | ModelToMake;
}

async function jobsOf(recipe: EvalRecipe, out: string): Promise<Job[]> {
  const rows = Object.entries(recipe.rows).flatMap(([name, row]) =>
    (row.seeds ?? [recipe.seed]).map((seed, _, seeds) => {
      const folder = seeds.length > 1 ? `${name}-seed-${seed}` : name;
      return { name, folder, row, seed };
    }),
  );
  // Rows that are made alike share what the first of them is named after.
  const firstOf = new Map<string, string>();
  return Promise.all(
    rows.map(async ({ name, folder, row, seed }) => {
      const { train, pretrain, set: values = {}, step } = row;
      const made = JSON.stringify([train, pretrain, values, seed]);
      if (!firstOf.has(made)) firstOf.set(made, folder);
      const set = { values, folder: dirname(recipe.file), by: `${recipe.file}: rows.${name}.set` };
      const dir = join(out, "models", firstOf.get(made)!);
      const model = (await modelToMake({ train, pretrain, step, seed, set }, dir)) ?? row.model ?? recipe.model!;
      return { name, folder, row, seed, model };
    }),
  );
}
