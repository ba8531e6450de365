/**
 * @file The judge `exact`: right or wrong by rule, offline and repeatable. It understands yes/no, numbers, option letters,
 * boxes and short text; it does not understand synonyms or paraphrase, which it calls wrong. It never rewards hedging: an
 * answer that names several values is held to the one it commits to, and is wrong when it commits to none.
 */

import { box, boxF1 } from "../boxes.ts";
import type { Score } from "../records.ts";
import { chunks } from "../util/arrays.ts";
import { choicesIn, chosenOption } from "./choices-listed.ts";
import type { Judge, JudgeRequest } from "./judge.ts";
import { asMoment, sameMoment } from "./moments.ts";
import { clean, normalize, sentencesOf } from "./normalize.ts";
import { asPolarity, hedges, polarityOf } from "./polarity.ts";
import { asQuantity, denies, type Quantity, quantities, sameQuantity, statedQuantities } from "./read-numbers.ts";

/** The deterministic judge. */
export const exactJudge: Judge = { name: "exact", judge: async (request) => exactScore(request) };

/** 0 or 1 by rule. There is no score for an answer in other words than a right one that is a sentence, nor for one without end. */
export function exactScore(request: JudgeRequest): Score {
  const { length } = request.response;
  if (length > LONGEST)
    return { unscored: `the answer has ${length} characters, and rules are for ${LONGEST} at most` };
  const right = isRight(request);
  return right === undefined && isSentence(request) ? UNTOLD : Number(right ?? false);
}

/** Characters of an answer. Rules look for words between other words: their time grows with the square of the length. */
const LONGEST = 10_000;

const UNTOLD = { unscored: "the right answer is a sentence: only a judge model can compare it" };

/** As in MMHal-Bench, whose answers describe. */
function isSentence({ question, answer, choices = choicesIn(question) }: JudgeRequest): boolean {
  return choices.length === 0 && answer.trim().split(/\s+/).length > 8;
}

/**
 * Whether a response is the right answer, by the rule that the right answer's form calls for; undefined where no rule can
 * tell: a text in other words, an answer that names several values, none of the kind that is asked for, or one without end.
 */
export function isRight(given: JudgeRequest): boolean | undefined {
  if (given.response.length > LONGEST) return undefined;
  const isQuestion = given.answer.trim().endsWith("?");
  const response = given.response.replace(/(\s)\s+/g, "$1");
  const request = { ...given, response: isQuestion ? response : withoutLastQuestions(response) };
  const said = clean(request.response);
  const wanted = clean(request.answer);
  if (said === "") return false;
  const choices = choicesAsked(request).map(clean);
  const last = sentencesOf(said).at(-1) ?? "";
  if (abstains(last) && statedAnswer(last) === undefined && ![wanted, ...choices].some(abstains)) return false;
  if (choices.length > 0) {
    const right = optionWanted(wanted, choices);
    if (hedges(last) && statedAnswer(last) === undefined && !choices.some(hedges)) return undefined;
    const option = chosenOption(said, choices);
    if (option !== undefined && right !== undefined) return option === right;
    // The response names no option, so it is held to the wanted option's text.
    return sameAnswer(request, choices[right ?? -1] ?? wanted);
  }
  return sameAnswer(request, wanted);
}

/** "Yes or no?" and "A laptop?" ask; "4. Do you want to know more?" answers 4. */
function withoutLastQuestions(text: string): string {
  const shorter = text.replace(/(?:^|(?<=[.!?。]\s)|(?<=\n))(?:(?![.!?。]\s|\n)[\s\S])*\?\W*$/, "");
  return shorter === text ? text : withoutLastQuestions(shorter);
}

/** The options in the order of their letters: as the question lists them, if it does, for that is what was seen. */
function choicesAsked({ question, choices }: JudgeRequest): readonly string[] {
  const listed = choicesIn(question);
  if (choices === undefined || choices.length === 0) return listed;
  const texts = (options: readonly string[]) => options.map(normalize).sort().join("\n");
  return texts(listed) === texts(choices) ? listed : choices;
}

/** The wanted option: its text if one option has it, or else its letter. */
function optionWanted(wanted: string, choices: readonly string[]): number | undefined {
  const index = choices.findIndex((choice) => normalize(choice) === normalize(wanted));
  return index >= 0 ? index : chosenOption(wanted, choices);
}

function sameAnswer({ response, answerType }: JudgeRequest, wanted: string): boolean | undefined {
  const said = clean(response);
  if (normalize(said) === normalize(wanted)) return true;
  if (sentencesOf(said).some(abstains) && statedAnswer(said) === undefined) return undefined;
  if (answerType !== "list" && boxesIn(wanted).length > 0) return sameBoxes(said, wanted);
  const list = asList(wanted);
  // "2 to 6" is a range.
  if (list) return /\bor\b|\d\s*(?:to\b|[-–—])\s*\d/i.test(said) ? undefined : sameList(quantities(said), list);
  const polarity = asPolarity(normalize(wanted));
  if (polarity !== undefined) return agreement(polarityOf(statedAnswer(said) ?? said), polarity);
  const moment = asMoment(wanted);
  if (moment) return hedges(said) ? undefined : sameMoment(said, moment);
  const number = asQuantity(wanted);
  if (number) return sameNumber(committedNumbers(response), number);
  if (/^[A-Z]$/.test(wanted)) return agreement(chosenOption(said, letters), letters.indexOf(wanted));
  const texts = [afterCopula(said), statedAnswer(said) ?? said].map(normalize);
  return texts.includes(normalize(wanted)) || undefined;
}

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ".split("");

function agreement<T>(said: T | undefined, wanted: T): boolean | undefined {
  return said === undefined ? undefined : said === wanted;
}

/** What says that there is no answer: a sentence that has the words of one of these rows, in that order. */
const cannotTell: readonly (readonly RegExp[])[] = (() => {
  const unable = /\b(?:can ?not|could not|(?:un|not )able to|(?:not |im)possible to|difficult to)\b|n't\b/gi;
  return [
    [unable, /\b(?:determine|answer|provide|calculate|view|interpret|access|evaluate)/gi],
    [unable, /\b(?:see|analyze)/gi, /images?/gi],
    [
      /\bnot\b|n't\b/gi,
      /\b(?:enough|sufficient|provide|have)\b/gi,
      /\b(?:information|context|details?|data|evidence)\b/gi,
    ],
    [/\binsufficient\b|\bneed more (?:information|context)\b|\bno information\b/gi],
  ];
})();

/** "It cannot be determined", "not enough information": such a sentence answers nothing. */
function abstains(sentence: string): boolean {
  return cannotTell.some((row) => {
    let at = 0;
    return row.every((words) => {
      words.lastIndex = at;
      const found = words.test(sentence);
      at = words.lastIndex;
      return found;
    });
  });
}

/** What a response says that its answer is, if it says so. */
function statedAnswer(said: string): string | undefined {
  const tail = /.*(?:\b(?:answer|final value)(?: is|:)+|答案(?:是|为)?[:：]?)(.*)/is.exec(said)?.[1];
  return tail === undefined ? undefined : sentencesOf(tail)[0];
}

/** Boxes on both sides, in the same space, match one to one at IoU 0.5. */
function sameBoxes(said: string, wanted: string): boolean {
  return boxF1(boxesIn(said), boxesIn(wanted), 0.5) === 1;
}

/** Boxes as people write them: `[10, 20, 110, 220]`, with decimals, as two corners, with `x1=` before each. */
function boxesIn(text: string) {
  const bare = text
    .replace(/["']?\b[xy](?:_?(?:[12]|min|max))?["']?\s*[=:]\s*/gi, "")
    .replace(/\b(?:top|bottom|upper|lower)[ -]?(?:left|right)(?: corner)?\b\s*[=:]?/gi, "");
  const number = String.raw`-?\d+(?:\.\d+)?`;
  const runs =
    bare.match(
      new RegExp(
        `${number}(?:(?:\\s*[,;]\\s*|[\\s()[\\]]+|\\s*[)\\]]\\s*(?:,|to|and|[-–])?\\s*[([]\\s*)${number}){3,}`,
        "g",
      ),
    ) ?? [];
  return runs.flatMap((run) => {
    const numbers = run.match(new RegExp(number, "g"))!.map(Number);
    if (numbers.length % 4 > 0) return [];
    return chunks(numbers, 4).map((edges) => box("image", ...(edges as [number, number, number, number])));
  });
}

/** The numbers of "[2, 0.5]" or "(2, 0.5)". */
function asList(wanted: string): Quantity[] | undefined {
  const items = /^[[(](.+,.+)[\])]$/s.exec(wanted)?.[1]?.split(",").map(asQuantity);
  return items?.every((item) => item !== undefined) ? items : undefined;
}

function sameList(said: readonly Quantity[], wanted: readonly Quantity[]): boolean | undefined {
  return said.length === wanted.length ? said.every((each, i) => sameQuantity(each, wanted[i]!)) : undefined;
}

/** Right when all numbers are the wanted one, wrong when none is; of several, one of them right, nothing can be told. */
function sameNumber(given: readonly Quantity[], wanted: Quantity): boolean | undefined {
  const right = given.filter((each) => sameQuantity(each, wanted)).length;
  if (given.length === 0 || (right > 0 && right < given.length)) return undefined;
  return right > 0;
}

/**
 * The numbers an answer commits to: what it says the answer is, or prints in bold or in a box, or comes to by "=" or as
 * its conclusion ("therefore, …"), or else all it names. "No" and "none" are 0.
 */
function committedNumbers(response: string): Quantity[] {
  const said = clean(response);
  const answer = statedAnswer(said);
  if (answer !== undefined) return statedQuantities(withoutWorking(afterEquals(answer)));
  const emphasised = [...response.matchAll(/\*\*([^*]+)\*\*|\\boxed\{([^{}]*)\}/g)].flatMap(
    ([, bold, boxed]) => asQuantity(clean(bold ?? boxed!)) ?? [],
  );
  if (emphasised.length > 0) return emphasised;
  if (hedges(sentencesOf(said).at(-1) ?? "")) return [];
  // "Three: two adults and a child."
  const head = asQuantity(/^([^:]*):\s/.exec(said)?.[1] ?? "");
  if (head) return [head];
  const conclusion = sentencesOf(said).findLast((sentence) =>
    /^(?:therefore|thus|so|hence|in total)\b/i.test(sentence),
  );
  const scope = withoutWorking(afterEquals(conclusion ?? said));
  // Of "the distance between the 2 trees is 10 m", 10 m.
  const verbs = [...scope.matchAll(/\b(?:is|are|was|were|equals)\b/gi)];
  const verb = conclusion !== undefined || verbs.length === 1 ? verbs.at(-1) : undefined;
  if (verb && denies(scope.slice(0, verb.index))) return [];
  const predicate = verb ? statedQuantities(scope.slice(verb.index)) : [];
  const numbers = predicate.length > 0 ? predicate : statedQuantities(scope);
  if (numbers.length > 0) return /\bor\b/i.test(scope) ? numbers : (sumIn(numbers) ?? numbers);
  const isNone = /^(?:no|none|nothing)\b|\b(?:are|is) (?:no|none|not any)\b|n['’]t any\b/i.test(said);
  return isNone ? quantities("0") : [];
}

/** The first or last number, where it is the sum of the others: "4: two on the left and two on the right". */
function sumIn(numbers: readonly Quantity[]): Quantity[] | undefined {
  const total = numbers.reduce((sum, { value }) => sum + value, 0);
  const sum = numbers.length > 2 && [numbers[0]!, numbers.at(-1)!].find(({ value }) => 2 * value === total);
  return sum ? [sum] : undefined;
}

/** Without the working behind a number, "6 (4 + 2)", "4, two on each side", and without "one" where it stands for a thing: "one on the left". */
function withoutWorking(text: string): string {
  return text
    .replace(/(?<=\d\s*)\([^()]*[+*/×=–-][^()]*\)/g, "")
    .replace(/[,;:(]\s*\w+(?: \w+)? (?:(?:on|in|at|per|for|to) )?each\b[^.,;]*/gi, "")
    .replace(
      /(?<=\b(?:on|at|in|to) )one(?= (?:side|end|hand|corner|row|half)\b)|(?<=\d.*)\b(?:the other|another|one)(?= (?:is|on|in|at|to|near|behind|above|below|under|of|with)\b)/gi,
      "",
    );
}

function afterEquals(text: string): string {
  // "x = 3 or x = -3" has two results.
  if (/\b([a-z])\s*=[^=]*\b(?:or|and)\s+\1\s*=/i.test(text)) return text;
  return /.*(?:(?<![<>])=|\btotal of|, (?:so|thus|hence|therefore)\b)(.*)/is.exec(text)?.[1] ?? text;
}

/** "The animal is a cow" commits to "a cow"; "It is not a cow" keeps its "not". */
function afterCopula(said: string): string {
  return (
    /^(?:[^.,;:!?]*?\b(?:is|are|was|were|says|reads)\b|(?:it|that|this|there|he|she)['’]s\b|(?:the )?answer:)\s*(.+)$/is.exec(
      said,
    )?.[1] ?? said
  );
}
