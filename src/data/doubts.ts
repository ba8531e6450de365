/** @file Data that are valid, and yet hardly what was meant: lines twice, answers that contradict, held-out questions in training. */

import type { Sample } from "../records.ts";
import { groupBy } from "../util/arrays.ts";
import { firstFew, type LinePlace, linePlace } from "../util/faults.ts";

/** One doubt: what is odd about which samples, and what to do. */
export interface Doubt {
  readonly what: string;
  readonly remedy: string;
  /** The lines of the samples, as far as they are known. */
  readonly at: readonly Pick<LinePlace, "file" | "line">[];
}

/** Lines that a doubt names at most. */
const MOST_LINES = 100;

/** From this many samples on one answer to all of them is odd. */
const MANY = 8;

/** What a method adds to a question, or a model writes around an answer. */
const INSTRUCTION = /<\/?(think|rethink|answer)>|bbox_2d/i;

/** What is odd about the samples to train on. */
export function doubtsAbout(samples: readonly Sample[]): Doubt[] {
  const groups = groupBy(samples, keyOf);
  const twice = groups.filter((same) => same.length > answersOf(same).size);
  const contrary = groups.filter((same) => answersOf(same).size > 1);
  const instructing = samples.filter(({ question }) => INSTRUCTION.test(question));
  const tagged = samples.filter(({ answer }) => INSTRUCTION.test(answer));
  const apart = samples.filter(({ answer, choices = [] }) => choices.length > 0 && !isChoice(answer, choices));
  const uniform = groupBy(samples, ({ dataset }) => dataset).filter(
    (set) => set.length >= MANY && answersOf(set).size === 1,
  );
  return [
    ...doubt(twice, "are the same image, question and answer", "Remove the repeated lines."),
    ...doubt(contrary, "ask the same of the same image, and answer differently", "Keep one of their answers."),
    ...doubt(
      instructing.map((sample) => [sample]),
      "have a question that brings instructions of its own, though the method adds them",
      "Leave only the question in `question`.",
    ),
    ...doubt(
      tagged.map((sample) => [sample]),
      "have an answer with tags or boxes around it, which no answer in them can equal",
      "Leave only the answer in `answer`.",
    ),
    ...doubt(
      apart.map((sample) => [sample]),
      "have an answer that is none of their choices, nor the letter of one",
      "Write one of the choices, or its letter.",
    ),
    ...uniform.map((set) => ({
      what: `All ${set.length} samples of ${set[0]!.dataset} have the answer ${JSON.stringify(set[0]!.answer)}: it can be learned without looking.`,
      remedy: "Mix in samples with other answers.",
      at: linesOf(set),
    })),
  ];
}

/** Samples to train on that a held-out set asks too. */
export function leaksInto(samples: readonly Sample[], heldOut: readonly Sample[]): Doubt[] {
  const trained = new Set(samples.map(keyOf));
  const leaked = heldOut.filter((sample) => trained.has(keyOf(sample)));
  return doubt(
    leaked.map((sample) => [sample]),
    "are trained on as well: image and question are the same",
    "Take them out of one of the files.",
  );
}

/** About groups of samples, those of each alike. */
function doubt(groups: readonly (readonly Sample[])[], what: string, remedy: string): Doubt[] {
  if (groups.length === 0) return [];
  const named = firstFew(groups.map((same) => same.map(({ id }) => id).join(" = "))).join(", ");
  return [{ what: `These samples ${what}: ${named}.`, remedy, at: linesOf(groups.flat()) }];
}

/** Where the first of some samples stand. */
export function linesOf(samples: readonly Sample[]): Doubt["at"] {
  return samples.slice(0, MOST_LINES).flatMap(({ where }) => {
    const place = where === undefined ? undefined : linePlace(where);
    return place ? [{ file: place.file, line: place.line }] : [];
  });
}

function keyOf({ image, question }: Sample): string {
  return `${image}\n${question.trim()}`;
}

function answersOf(samples: readonly Sample[]): Set<string> {
  return new Set(samples.map(({ answer }) => answer.trim().toLowerCase()));
}

/** Whether an answer is one of the choices, by its text or its letter. */
function isChoice(answer: string, choices: readonly string[]): boolean {
  const bare = (text: string) => text.toLowerCase().replace(/\s+/g, " ").trim().replace(/\.$/, "");
  const letter = /^\(?([a-z])\)?[.:]?$/i.exec(answer.trim())?.[1]?.toUpperCase();
  const isLetter = letter !== undefined && letter.charCodeAt(0) - 65 < choices.length;
  return isLetter || choices.some((choice) => bare(choice) === bare(answer));
}
