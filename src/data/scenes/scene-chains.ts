/**
 * @file The ways in which a model answers under the GRIT prompt before GRIT: look, glance, do either sloppily, just answer.
 * To look is boxes, then what they show, then the answer; to glance the same form without boxes. Every style tells the
 * truth.
 */

import { box, toSpace } from "../../boxes.ts";
import type { Box, Frame, Space } from "../../records.ts";
import type { Random } from "../../util/random.ts";
import type { Group, Question } from "./question.ts";
import type { SceneObject } from "./world.ts";

export const STYLES = ["look", "look-sloppy", "glance", "glance-sloppy", "bare"] as const;
export type Style = (typeof STYLES)[number];

/** How every chain begins that looks first, and no other does. */
export const LOOK_PREFIX = "<think> Boxes:";

/** How a model sees the image at hand and speaks of it. */
export interface View {
  /** Into frame pixels, whose merged patches give the reading order. */
  readonly toFrame: (box: Box<"image">) => Box<"frame">;
  /** Into the whole numbers that the model is to write. */
  readonly toWritten: (box: Box<"image">) => Box;
}

/**
 * What lessons round the numbers of a box to. A pixel of the tiny base's tile is 4.5 thousandths: single ones would end
 * every number in a digit of chance, which sampling varies and reinforcement takes for a choice.
 */
const GRAINS: Readonly<Record<Space, number>> = { image: 1, frame: 1, permille: 5 };

/** The view of a model that writes boxes in the given space. */
export function viewOf(frame: Frame, space: Space): View {
  const round = (value: number) => GRAINS[space] * Math.round(value / GRAINS[space]);
  return {
    toFrame: (pixels) => toSpace(pixels, "frame", frame),
    toWritten: (pixels) => {
      const { x1, y1, x2, y2 } = toSpace(pixels, space, frame);
      return box(space, round(x1), round(y1), round(x2), round(y2));
    },
  };
}

/** A box as the model writes it: integers, e.g. `[12,34,56,78]`. */
export function writeBox(pixels: Box<"image">, { toWritten }: View): string {
  const { x1, y1, x2, y2 } = toWritten(pixels);
  return `[${[x1, y1, x2, y2].join(",")}]`;
}

/** Height and width of a band in frame pixels: one merged patch of the vision tower. */
const BAND = 28;

/** The objects as one reads: bands of the frame from top to bottom, each from left to right. */
export function readingOrder(objects: readonly SceneObject[], { toFrame }: Pick<View, "toFrame">): SceneObject[] {
  const place = ({ box }: SceneObject) => {
    const { x1, y1, x2, y2 } = toFrame(box);
    return [Math.floor((y1 + y2) / 2 / BAND), Math.floor((x1 + x2) / 2 / BAND), x1, y1] as const;
  };
  return [...objects].sort((a, b) => {
    const [from, to] = [place(a), place(b)];
    const differs = from.findIndex((value, i) => value !== to[i]);
    return differs < 0 ? 0 : from[differs]! - to[differs]!;
  });
}

/**
 * e.g. `red circle [1,2,3,4]`; counted, `red circle 1 [1,2,3,4] red circle 2 [5,6,7,8] red circle none`. The name stands
 * before every box, and before the end: what to look for next is then said right where it is looked for.
 */
export function writeGroup({ label, objects, counted }: Group, view: View): string {
  const boxes = readingOrder(objects, view).map((object) => writeBox(object.box, view));
  if (!counted) return `${label} ${boxes.join(" ")}`;
  return [...boxes.map((box, i) => `${label} ${i + 1} ${box}`), `${label} none`].join(" ");
}

/** The bare answer: a word, a number, or the box asked for. */
export function writeAnswer({ answer }: Question, view: View): string {
  return typeof answer === "string" ? answer : writeBox(answer, view);
}

/** The boxes of a chain that looks, e.g. `Boxes: red circle [1,2,3,4] blue square [5,6,7,8]`. */
export function writeLook({ look }: Question, view: View): string {
  return `Boxes: ${look.map((group) => writeGroup(group, view)).join(" ")}`;
}

/** What follows from the boxes: the rethink and the answer. */
export function writeConclusion(question: Question, view: View): string {
  return `<rethink> ${writeFinding(question, view)} </rethink> <answer> ${writeAnswer(question, view)}`;
}

/**
 * The answer to the question in that style. Sloppy forms leave tags out, but never follow `</think>` by `<answer>`:
 * reinforcement that unlearnt this seems to have unlearnt `</rethink> <answer>` with it (models/README.md).
 */
export function writeChain(question: Question, style: Style, random: Random, view: View): string {
  const answer = `<answer> ${writeAnswer(question, view)}`;
  const look = `<think> ${writeLook(question, view)}`;
  const glance = random.pick(GLANCES);
  switch (style) {
    case "look":
      return `${look} </think> ${writeConclusion(question, view)}`;
    case "look-sloppy":
      return random.pick([
        `${look} ${answer}`,
        `${look} <rethink> ${writeFinding(question, view)} ${answer}`,
        `${look} </think> <rethink> ${writeFinding(question, view)} ${answer}`,
      ]);
    case "glance":
      return `<think> ${glance} </think> <rethink> ${random.pick(SECOND_GLANCES)} </rethink> ${answer}`;
    case "glance-sloppy":
      return random.pick([
        `<think> ${glance} ${answer}`,
        `<think> ${glance} <rethink> ${random.pick(SECOND_GLANCES)} ${answer}`,
      ]);
    case "bare":
      return random.pick([answer, writeAnswer(question, view)]);
  }
}

/** True of every scene, and no help. */
const GLANCES = ["The picture shows several shapes.", "The picture shows some shapes.", "The picture shows shapes."];
const SECOND_GLANCES = ["The answer is clear.", "This is the answer.", "The question is about the shapes."];

/** e.g. `10 is less than 50, so left of; the question: right of.` with the numbers as written in the boxes. */
function writeFinding({ finding, compared, look }: Question, view: View): string {
  if (compared === undefined) return `${finding[0]!.toUpperCase()}${finding.slice(1)}.`;
  const [subject, object] = look.map((group) => view.toWritten(group.objects[0]!.box)[compared]);
  return `${compareNumbers(subject!, object!)}, so ${finding}.`;
}

/** e.g. `10 is less than 50`. Throws when the numbers are equal: a comparison needs a frame that keeps them apart. */
export function compareNumbers(a: number, b: number): string {
  if (a === b) throw new Error(`Nothing to compare: both numbers are ${a}`);
  return `${a} is ${a < b ? "less" : "more"} than ${b}`;
}
