/**
 * @file At what size a study runs: the scenes world and the tiny bases on two cores, or the paper's models and data. Both are
 * described by a recipe of `grit train`, from which model, sets and pixel limits come, and differ in nothing that a study looks at.
 */
import { join } from "node:path";
import { packageRoot, scenes } from "../../tools/places.mjs";
import { loadRecipe, type Recipe } from "../config/recipe.ts";
import type { SetValues } from "../config/yaml.ts";
import { DEFAULT_COUNTS, type SetCounts } from "../data/scenes/sets.ts";

export const FAMILIES = ["qwen", "internvl"] as const;
export type Family = (typeof FAMILIES)[number];

/** What decides the size of a study. */
export interface Scale {
  readonly name: "miniature" | "full";
  readonly family: Family;
  /** The recipe that trains on twenty triplets: its base, sets and pixel limits are the study's. */
  readonly recipe: Recipe;
  /** That recipe's file, and that of few-shot fine-tuning. */
  readonly train: string;
  readonly pretrain: string;
  /** What all runs have otherwise than their recipes. */
  readonly set: Readonly<Record<string, unknown>>;
  /** And those of `grit train`: who judges in their rewards, where that is not the recipe's judge. */
  readonly judged?: Readonly<Record<string, unknown>>;
  /** The authors' own trained model, where there is one. */
  readonly released?: string;
  /** Names the held-out sets, where they are not the paper's six. */
  readonly asks?: string;
  /** Models are trained once with each. */
  readonly seeds: readonly number[];
  /** Samples of each set; without it all. */
  readonly limit?: number | undefined;
  /** Steps along the run of the large batch, and along that of the small one, which also runs so long that it sees as many prompts. */
  readonly along: { readonly large: readonly number[]; readonly small: readonly number[]; readonly long: number };
  /** Two larger training sets, relations first, and how many samples of both the larger runs take. */
  readonly more: { readonly vsr: string; readonly tallyqa: string; readonly sizes: readonly [number, number] };
  /** Chains that the probe of attention observes. */
  readonly probed: number;
}

/** A folder of scenes that studies of the miniature read, rendered when one does. */
interface Scenes {
  readonly out: string;
  readonly counts: SetCounts;
}

/** With large training sets. */
const MORE_SCENES = { out: `${scenes}-7000`, counts: { train: 3500, val: 1 } };

/** With five objects and more to count. */
const MANY_SCENES = { out: `${scenes}-many`, counts: { train: 20, val: 300, least: 5 } };

/** And a training set of these that is 25 times as large. */
const MANY_MORE_SCENES = { out: `${scenes}-many-500`, counts: { train: 500, val: 1, least: 5 } };

export const SCENES: readonly Scenes[] = [
  { out: scenes, counts: DEFAULT_COUNTS },
  MORE_SCENES,
  MANY_SCENES,
  MANY_MORE_SCENES,
];

/** Prompts of a small batch, which with a group of four are the paper's batch of 8 completions. */
export const SMALL_BATCH = 2;

const recipes = (name: string) => join(packageRoot, "recipes", `${name}.yaml`);

/** The scenes world. `quick`: one seed and the first samples of each set. */
export async function miniature(family: Family, { quick = false } = {}): Promise<Scale> {
  const model = join(packageRoot, "models", family === "qwen" ? "grit-tiny-base" : "grit-tiny-base-internvl");
  const set = { model };
  const train = recipes("tiny");
  return {
    name: "miniature",
    family,
    recipe: await loadRecipe(train, [], { set: asSet(set) }),
    train,
    pretrain: recipes("tiny-sft"),
    set,
    seeds: quick ? [1] : [1, 2, 3],
    limit: quick ? 60 : undefined,
    along: { large: [5, 10, 20, 30], small: [5, 20, 30], long: 300 },
    more: {
      vsr: join(MORE_SCENES.out, `vsr_train_${MORE_SCENES.counts.train}.jsonl`),
      tallyqa: join(MORE_SCENES.out, `tallyqa_train_${MORE_SCENES.counts.train}.jsonl`),
      sizes: [500, 7000],
    },
    probed: quick ? 30 : 100,
  };
}

/** Twenty triplets that count five objects and more, and five hundred. */
export const [MANY_TRAIN, MANY_MORE_TRAIN] = [MANY_SCENES, MANY_MORE_SCENES].map(({ out, counts }) =>
  join(out, `tallyqa_train_${counts.train}.jsonl`),
) as [string, string];

/** The same scale, asked to count five objects and more in place of all that the recipe asks: of one set, more samples. */
export function countingMany(scale: Scale): Scale {
  const { recipe, limit } = scale;
  const asked = { tallyqa_many: join(MANY_SCENES.out, "tallyqa_val.jsonl") };
  return {
    ...scale,
    asks: "many",
    limit: limit && 5 * limit,
    recipe: { ...recipe, data: { ...recipe.data, eval: asked } },
  };
}

/** The paper's models and data, as its recipes name them; neither has to be there to be planned. */
export async function fullSize(family: Family): Promise<Scale> {
  const base = family === "qwen" ? "qwen2.5-vl-3b" : "internvl3-2b";
  const train = recipes(`${base}-grit20`);
  const recipe = await loadRecipe(train, [], { weights: false });
  const [vsr, tallyqa] = recipe.data.train as [string, string];
  return {
    name: "full",
    family,
    recipe,
    train,
    pretrain: recipes(`${base}-sft20`),
    set: {},
    released: family === "qwen" ? "yfan1997/GRIT-20-Qwen2.5-VL-3B" : "yfan1997/GRIT-20-InternVL-2B",
    seeds: [1],
    along: { large: [50, 100, 150, 200], small: [50, 150, 200], long: 3200 },
    more: {
      vsr: join(vsr, "..", "vsr_train.jsonl"),
      tallyqa: join(tallyqa, "..", "tallyqa_train.jsonl"),
      sizes: [500, 7000],
    },
    probed: 100,
  };
}

/** Values for recipes of the package, by a study. */
export function asSet(values: Readonly<Record<string, unknown>>): SetValues {
  return { values, folder: packageRoot, by: "the study" };
}
