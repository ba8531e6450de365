/**
 * @file Supervised text for the tiny base: what an instruction-tuned model can do before GRIT. It lists and detects
 * objects, answers directly, follows the GRIT prompt in loose styles, concludes from given boxes, compares numbers and
 * describes the image.
 */

import type { Random } from "../../util/random.ts";
import { absentKinds, commonestKind, kindToCount } from "./ask-count.ts";
import { byKind, matching, nameOf, pluralOf, uniqueBy, withArticle } from "./describe.ts";
import { all, DATASETS, type Dataset, one, type Question } from "./question.ts";
import { ASKERS } from "./questions.ts";
import {
  compareNumbers,
  readingOrder,
  STYLES,
  type Style,
  type View,
  writeAnswer,
  writeBox,
  writeChain,
  writeConclusion,
  writeGroup,
  writeLook,
} from "./scene-chains.ts";
import type { Scene } from "./world.ts";

export const LESSON_KINDS = [
  "detect-all",
  "detect",
  "locate",
  "direct",
  "grit",
  "conclude",
  "compare",
  "caption",
] as const;
export type LessonKind = (typeof LESSON_KINDS)[number];

/** `prompt`: the user's text after the image, without chat template. `response`: what the model is to write. */
export interface Lesson {
  /** The lesson's kind; under the GRIT prompt with its style and data set, e.g. `grit/look/vsr`, `direct/gqa`. */
  readonly kind: string;
  readonly prompt: string;
  readonly response: string;
}

/** How lessons are mixed. Weights are relative to their own record's sum. */
export interface Mixture {
  /** Lessons a scene. */
  readonly lessons: number;
  readonly kinds: Readonly<Record<LessonKind, number>>;
  /** Of the answers under the GRIT prompt. */
  readonly styles: Readonly<Record<Style, number>>;
  /** Of the questions, with or without the GRIT prompt. */
  readonly datasets: Readonly<Record<Dataset, number>>;
}

export const DEFAULT_MIXTURE: Mixture = {
  lessons: 6,
  kinds: {
    "detect-all": 0.15,
    detect: 0.13,
    locate: 0.04,
    direct: 0.14,
    grit: 0.42,
    conclude: 0.04,
    compare: 0.05,
    caption: 0.03,
  },
  styles: { look: 0.26, "look-sloppy": 0.06, glance: 0.42, "glance-sloppy": 0.14, bare: 0.12 },
  datasets: {
    vsr: 0.3,
    tallyqa: 0.3,
    gqa: 0.1,
    mme_existence: 0.03,
    mme_count: 0.03,
    mme_position: 0.03,
    mme_color: 0.03,
    mathvista_mini: 0.09,
    ovd_position: 0.09,
    // Held out: its expressions are made of what the other sets teach.
    refcoco: 0,
  },
};

/**
 * The lessons about one scene. Kinds are drawn systematically (evenly spaced points on their cumulative weights), so
 * that a kind of weight below 1/lessons comes at most once a scene and each has its exact share in expectation.
 * `view` must keep apart coordinates that differ by 10 image pixels; `gritSuffix` is the GRIT method's.
 */
export function lessonsFor(
  scene: Scene,
  random: Random,
  view: View,
  gritSuffix: string,
  mixture: Mixture = DEFAULT_MIXTURE,
): Lesson[] {
  const start = random.float();
  const kinds = Array.from({ length: mixture.lessons }, (_, i) =>
    pickWeighted(LESSON_KINDS, mixture.kinds, (start + i) / mixture.lessons),
  );
  return random.shuffle(kinds).map((kind) => TEACH[kind]({ scene, random, view, gritSuffix, mixture }));
}

interface Context {
  readonly scene: Scene;
  readonly random: Random;
  readonly view: View;
  readonly gritSuffix: string;
  readonly mixture: Mixture;
}

const TEACH: Record<LessonKind, (context: Context) => Lesson> = {
  "detect-all": ({ scene, view }) => ({
    kind: "detect-all",
    prompt: "\nDetect all objects.",
    response: readingOrder(scene.objects, view)
      .map((object) => `${nameOf(object)} ${writeBox(object.box, view)}`)
      .join(" "),
  }),

  detect: ({ scene, random, view }) => {
    const kind = kindToCount(scene, random);
    return {
      kind: "detect",
      prompt: `\nDetect all ${pluralOf(kind)}.`,
      response: writeGroup(all(nameOf(kind), matching(scene, kind)), view),
    };
  },

  locate: ({ scene, random, view }) => {
    const there = random.shuffle(uniqueBy(scene, byKind)).slice(0, random.int(0, 2));
    const missing = random.shuffle(absentKinds(scene)).slice(0, random.int(1, 3));
    const groups = random.shuffle([
      ...there.map((object) => one(nameOf(object), object)),
      ...missing.map((kind) => all(nameOf(kind), [])),
    ]);
    return {
      kind: "locate",
      prompt: `\nDetect ${groups.map(({ label }) => label).join(", ")}.`,
      response: groups.map((group) => writeGroup(group, view)).join(" "),
    };
  },

  direct: (context) => {
    const question = drawQuestion(context);
    return {
      kind: `direct/${question.dataset}`,
      prompt: `\nQuestion: ${question.text}`,
      response: writeAnswer(question, context.view),
    };
  },

  grit: (context) => {
    const question = drawQuestion(context);
    const style = pickWeighted(STYLES, context.mixture.styles, context.random.float());
    return {
      kind: `grit/${style}/${question.dataset}`,
      prompt: `\nQuestion: ${question.text}${context.gritSuffix}`,
      response: writeChain(question, style, context.random, context.view),
    };
  },

  conclude: (context) => {
    const question = drawQuestion(context);
    return {
      kind: `conclude/${question.dataset}`,
      prompt: `\nQuestion: ${question.text} ${writeLook(question, context.view)}`,
      response: writeConclusion(question, context.view),
    };
  },

  compare: ({ random }) => ({ kind: "compare", ...(random.chance(0.6) ? comparison(random) : sum(random)) }),

  caption: ({ scene, view }) => ({
    kind: "caption",
    prompt: "\nDescribe the image.",
    response: readingOrder(scene.objects, view)
      .map((object) => withArticle(nameOf(object)))
      .join(", "),
  }),
};

/**
 * A question by the mixture's weights, yes and no equally likely. A data set that finds nothing to ask in this scene is
 * drawn again. Counting comes mostly to scenes with much to count, so that large counts are not rare.
 */
function drawQuestion({ scene, random, mixture }: Context): Question {
  const most = matching(scene, commonestKind(scene)).length;
  const datasets = { ...mixture.datasets, tallyqa: mixture.datasets.tallyqa * (most > 2 ? 2.8 : 0.2) };
  for (let attempt = 0; attempt < 1000; attempt++) {
    const dataset = pickWeighted(DATASETS, datasets, random.float());
    const question = random.pick(ASKERS[dataset])(scene, random, random.chance(0.5));
    if (question) return question;
  }
  throw new Error("No question of the mixture fits the scene");
}

/** "Is 45 less than 80?" → "45 is less than 80."; half the pairs lie within 12 of each other. */
function comparison(random: Random): Pick<Lesson, "prompt" | "response"> {
  const a = random.int(0, 240);
  const b = random.chance(0.5) ? a + random.pick([-1, 1]) * random.int(1, 12) : random.int(0, 240);
  if (b < 0 || b === a) return comparison(random);
  return {
    prompt: `\nQuestion: Is ${a} ${random.pick(["less", "more"])} than ${b}?`,
    response: `${compareNumbers(a, b)}.`,
  };
}

/** "What is 3 plus 4?" → "3 plus 4 is 7." */
function sum(random: Random): Pick<Lesson, "prompt" | "response"> {
  const [a, b] = [random.int(0, 4), random.int(0, 4)];
  const text = random.chance(0.5) ? `${a} plus ${b}` : `${a + b} minus ${b}`;
  const result = text.includes("plus") ? a + b : a;
  return { prompt: `\nQuestion: What is ${text}?`, response: `${text} is ${result}.` };
}

/** The item at `point` in [0, 1) of the cumulative weights. */
function pickWeighted<T extends string>(items: readonly T[], weights: Readonly<Record<T, number>>, point: number): T {
  let left = point * items.reduce((total, item) => total + weights[item], 0);
  for (const item of items) {
    left -= weights[item];
    if (left < 0) return item;
  }
  return items.findLast((item) => weights[item] > 0)!;
}
