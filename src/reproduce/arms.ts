/** @file The arms of all studies: ways of asking a model that is there or is made first. Arms of one run share it, in whatever study. */
import { LOOK_PREFIX } from "../data/scenes/scene-chains.ts";
import type { MethodName } from "../prompt/methods.ts";
import { MANY_MORE_TRAIN, MANY_TRAIN, type Scale, SMALL_BATCH } from "./scale.ts";

/** One way of asking one model. */
export interface Arm {
  /** Names its answers, and its row. */
  readonly name: string;
  readonly method: MethodName;
  /** Text that every answer is made to begin with. */
  readonly prefix?: string;
  /** How its model is made; without, it is the base, or `model`. */
  readonly made?: Made;
  readonly model?: string;
}

/** A model that is made: by which recipe, with which keys otherwise, and the checkpoint after which step. */
export interface Made {
  /** Names its folder: arms of equal runs share it. */
  readonly run: string;
  readonly by: "train" | "pretrain";
  readonly set: Readonly<Record<string, unknown>>;
  readonly step?: number;
}

/** The untrained ways of asking. */
export function untrained({ family }: Scale): Record<"direct" | "cot" | "icl", Arm> {
  return {
    direct: { name: "direct", method: "direct" },
    cot: { name: "cot", method: "cot" },
    icl: { name: "icl", method: family === "qwen" ? "icl" : "icl-box" },
  };
}

/** The untrained base that is made to begin with boxes, not among the paper's rows; in the scenes world alone, whose bases know the words. */
export function forcedToLook({ name }: Scale): Arm[] {
  return name === "miniature" ? [{ name: "look", method: "cot", prefix: LOOK_PREFIX }] : [];
}

/** Few-shot fine-tuning on the twenty triplets. */
export function finetuned({ set }: Scale): Arm {
  return { name: "sft", method: "sft", made: { run: "sft", by: "pretrain", set } };
}

/** GRPO-GR on the twenty triplets; or its checkpoint after a step. All studies share this run. */
export function grit(scale: Scale, step?: number): Arm {
  const { large } = scale.along;
  const isLast = step === undefined || step === large.at(-1);
  const every = large[0]!;
  const set = { ...scale.set, ...scale.judged, "save.every": every, "save.keep": 2 * large.length + 2 };
  const made = { run: "grit", by: "train", set } as const;
  return { name: isLast ? "grit" : `grit-step-${step}`, method: "grit", made: isLast ? made : { ...made, step } };
}

/** The authors' own model, asked as ours is; none in the scenes world. */
export function released({ released: model }: Scale): Arm[] {
  return model === undefined ? [] : [{ name: "released", method: "grit", model }];
}

/** The same twenty triplets, and no reward for the right number of boxes. */
export function withoutCountReward(scale: Scale): Arm {
  return variant(scale, "no-count-reward", { "rewards.weights.counting": 0 });
}

/** Twenty relation triplets: no counting data, and so no reward for it. */
export function withoutCounting(scale: Scale): Arm {
  const set = { "data.train": [scale.more.vsr], "data.limit": 20, "rewards.weights.counting": 0 };
  return variant(scale, "no-counting", set);
}

/** Twenty triplets that count five objects and more, with hardly fewer completions than `grit` has; in the scenes world alone. */
export function countingTriplets(scale: Scale): Arm {
  return variant(scale, "counting-many", { ...COUNTING, "data.train": [MANY_TRAIN] });
}

/** As many completions about five hundred such triplets: each is seen once at most. */
export function countingHundreds(scale: Scale): Arm {
  return variant(scale, "counting-many-500", { ...COUNTING, "data.train": [MANY_MORE_TRAIN] });
}

const COUNTING = { prompts_per_step: 10, group_size: 8, steps: 40 };

/** So many samples of both tasks, and steps as with twenty. */
export function withSamples(scale: Scale, samples: number): Arm {
  const { vsr, tallyqa } = scale.more;
  return variant(scale, `samples-${samples}`, { "data.train": [vsr, tallyqa], "data.limit": samples });
}

/** Small batches: after a step of a run that is as long as that of large ones, or at the end of one that sees as many prompts. */
export function smallBatch(scale: Scale, step: number): Arm {
  const { small, long } = scale.along;
  const steps = step === long ? long : small.at(-1)!;
  const saved = steps === long ? { "save.every": 50 } : { "save.every": small[0]!, "save.keep": 2 * steps };
  const set = { prompts_per_step: SMALL_BATCH, steps, ...saved };
  const arm = variant(scale, step === long ? "small-long" : "small", set);
  if (step === steps) return arm;
  return { ...arm, name: `small-step-${step}`, made: { ...arm.made!, step } };
}

function variant(scale: Scale, run: string, set: Readonly<Record<string, unknown>>): Arm {
  // A study is interrupted seldom: the recipe of the miniature saves each step.
  const saved = { "save.every": scale.along.large[0]! };
  return {
    name: run,
    method: "grit",
    made: { run, by: "train", set: { ...scale.set, ...scale.judged, ...saved, ...set } },
  };
}
