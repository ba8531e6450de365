/**
 * @file The judge `exact`: right or wrong by rule, offline and repeatable. It understands yes/no, numbers, option letters,
 * boxes and short text; it does not understand synonyms or paraphrase, which it calls wrong. It never rewards hedging: an
 * answer that names several values is held to the one it commits to, and is wrong when it commits to none.
 */

import { boxF1 } from "../boxes.ts";
import type { Score } from "../records.ts";
import { choicesIn, chosenOption, withoutChoices } from "./choices-listed.ts";
import { bare, concluded, settled, statedAnswer, withoutContrast, withoutOtherWord } from "./commitment.ts";
import { clauseAbout } from "./content-words.ts";
import { abstains, cannotSee, isUnsure, wavers } from "./doubt.ts";
import { isText } from "./frame.ts";
import type { Judge, JudgeRequest } from "./judge.ts";
import { asMoment, sameMoment } from "./moments.ts";
import { clean, normalize, sentencesOf } from "./normalize.ts";
import { givesNumbers, numbersWanted } from "./numbers-wanted.ts";
import { asPolarity, polarityOf } from "./polarity.ts";
import { boxesIn } from "./read-boxes.ts";

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
  const response = withoutThoughts(given.response).replace(/(\s)\s+/g, "$1");
  const whole = isQuestion ? response : withoutQuestions(response);
  return verdictOn({ ...given, response: settled(whole) });
}

function verdictOn(request: JudgeRequest): boolean | undefined {
  const question = withoutChoices(request.question);
  const wanted = clean(request.answer);
  const said = clean(request.response);
  if (said === "") return false;
  const choices = choicesAsked(request).map(clean);
  const claim = claimIn(said, [wanted, ...choices]);
  const last = sentencesOf(said).at(-1) ?? "";
  const isOpen = [wanted, ...choices].some((text) => abstains(text) || wavers(text));
  if (!isOpen && abstains(last) && statedAnswer(last) === undefined) return false;
  if (choices.length > 0) {
    const right = optionWanted(wanted, choices);
    if (!isOpen && leavesOpen(last, question)) return undefined;
    const option = chosenOption(claim, choices);
    if (option !== undefined && right !== undefined) return option === right;
    // The response names no option, so it is held to the wanted option's text.
    return sameAnswer({ ...request, question }, said, claim, choices[right ?? -1] ?? wanted);
  }
  return sameAnswer(request, said, claim, wanted);
}

/** What a response claims, bare of what is said around it; before an answer to a yes/no question much of that is an answer itself. */
function claimIn(said: string, answers: readonly string[]): string {
  if (answers.every((answer) => asPolarity(normalize(answer)) === undefined))
    return bare(withoutContrast(bare(said).replace(/^\W*(?:yes|no)(?:[,.:]|\s[—–-])\s+(?=\S)/i, "")));
  const claim = withoutOtherWord(bare(said));
  return /^(?:it(?:['’]s| is) )?(?:yes|no|true|false)\b/i.test(claim) ? claim : said;
}

/** Without what a model thinks before it answers, and around the answer that it marks. */
function withoutThoughts(response: string): string {
  const spoken = response.replace(/^[\s\S]*<\/think>/, "");
  return [...spoken.matchAll(/<answer>([\s\S]*?)<\/answer>/g)].at(-1)?.[1] ?? spoken;
}

/** "Yes or no?" and "A laptop?" ask, and "3? No, 4." answers 4. */
function withoutQuestions(text: string): string {
  return text.replace(/(?:^|(?<=[.!?。]\s)|(?<=\n))(?:(?![.!?。]\s|\n)[\s\S])*\?(?!\w)\W*?(?=\s|$)/g, "").trim();
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

function sameAnswer(request: JudgeRequest, said: string, claim: string, wanted: string): boolean | undefined {
  const { question, response, answerType } = request;
  const numbers = numbersWanted(wanted, question);
  // Of "> -8" words would leave -8.
  if (said === wanted || (!numbers && normalize(said) === normalize(wanted))) return true;
  const stated = statedAnswer(claim);
  const polarity = asPolarity(normalize(wanted));
  if (polarity !== undefined) return agreement(polarityOf(stated ?? claim, question), polarity);
  const sentences = sentencesOf(said);
  if (stated === undefined && sentences.some((each) => abstains(each) || cannotSee(each, question))) return undefined;
  if (leavesOpen(sentences.at(-1) ?? "", question) && !wavers(wanted)) return undefined;
  if (answerType !== "list" && boxesIn(wanted).length > 0) return boxF1(boxesIn(claim), boxesIn(wanted), 0.5) === 1;
  if (numbers) return givesNumbers(response, claim, numbers, question);
  const moment = asMoment(wanted);
  if (moment) {
    const text = concluded(stated ?? claim);
    const clause = clauseAbout(question, text, (each) => sameMoment(each, moment) !== undefined);
    return sameMoment(text, moment) ?? (clause === undefined ? undefined : sameMoment(clause, moment));
  }
  if (/^[A-Z]$/.test(wanted)) return agreement(chosenOption(claim, letters), letters.indexOf(wanted));
  return isText(stated ?? claim, wanted, question) || undefined;
}

/** Whether a sentence wavers, or is not sure of the answer that it states: "It may be a dog, so the answer is B" is sure. */
function leavesOpen(sentence: string, question: string): boolean {
  const stated = statedAnswer(sentence);
  return stated === undefined ? wavers(sentence, question) : wavers(stated, question) || isUnsure(sentence, question);
}

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ".split("");

function agreement<T>(said: T | undefined, wanted: T): boolean | undefined {
  return said === undefined ? undefined : said === wanted;
}
