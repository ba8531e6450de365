/**
 * @file Short texts in a sentence: "The man is riding a horse." answers "What is the man riding?" with "horse", for all that stands around
 * it are words of the question and words that say nothing by themselves.
 */

import { isAsserted } from "./bounds.ts";
import { isFunctionWord, PLACES, stem } from "./content-words.ts";
import { normalize, wordsOf } from "./normalize.ts";
import { wordsToDigits } from "./number-words.ts";

const set = (...lists: string[]): ReadonlySet<string> => new Set(lists.join(" ").split(" "));

/** What a colour or a size adds leaves a thing what it is. */
const ADJECTIVES = set(
  "red blue green yellow black white brown grey gray pink purple beige dark light bright",
  "big large small little tiny tall long young old single",
);
/** How something is where it is. */
const POSTURES = set(
  "sits sitting stands standing lies lying hangs hanging rests resting located placed found works working",
);
/** What does more than say where. */
const saysMore = (word: string) => DENIALS.has(word) || word === "or" || word === "and";
/** What tells one thing from another. */
const OTHERS = set(
  "left right top bottom upper lower first second third last middle other another background foreground",
);
const DENIALS = set("not no never nor neither without nothing none except isnt");

/**
 * Whether a response says that the wanted text is the answer: alone, behind a copula, in a frame of the question's words, or before
 * words that only say more of it.
 */
export function isText(said: string, wanted: string, question: string): boolean {
  if (/[√π^]/.test(wanted) && squeezed(said.split("=").at(-1)!) === squeezed(wanted)) return true;
  const text = said.replace(/\b(?:looks?|seems?|appears?|shaped) like\b/gi, "is");
  return [text, headOf(text), restatedIn(text)].some(
    (each) =>
      each !== undefined &&
      (isFramed(each, wanted, question) ||
        complementsOf(each, question).some((part) => isFramed(part, wanted, question))),
  );
}

/** A formula without blanks and the signs of products. */
const squeezed = (formula: string) =>
  formula
    .replace(/[\s·×*]|\\(?:cdot|times)\b/g, "")
    .replace(/\.$/, "")
    .toLowerCase();

/** The last clause that says what something is: "It's not a zebra, it's a giraffe.", "Based on its neck, it is a giraffe." */
function restatedIn(text: string): string | undefined {
  const last = text
    .split(/[.;:!?\n]+\s*|,\s+(?:so |and |but )?/)
    .filter((clause) => clause.trim() !== "")
    .at(-1);
  return last !== undefined && /^(?:it|this|that|he|she|they|these)(?:['’](?:s|re)| is| are| was| were)\b/i.test(last)
    ? last
    : undefined;
}

/** What a text begins with, where all behind it is only about it: "Green, with a brass knob." names no other colour. */
function headOf(text: string): string | undefined {
  const [, head, mark, rest] = /^([^,;:.!(\n—–]+?)\s*([,;:.!(\n—–]|\s-\s)\s*(\S[\s\S]*)$/.exec(text) ?? [];
  const clause = /^(.+?)\s+and\s+(?:the|it|its|there|his|her|their)\s[^,.;]*\b(?:is|are|has|have)\b/i.exec(text)?.[1];
  if (clause !== undefined) return clause;
  if (head === undefined || mark === undefined || rest === undefined || /\bor\b/i.test(rest)) return undefined;
  if (["(", "—", "–", ":", " - "].includes(mark)) return head;
  if (mark === "," || mark === ";") return GOES_ON.test(rest) ? head : undefined;
  return wordsOf(rest).length > 2 ? head : undefined;
}
const GOES_ON =
  /^(?:with|because|since|as|which|who|that|it|its|he|she|they|there|this|in|on|at|near|next|by|behind|under|above|from|for|of|i\.e|specifically|to be|not|judging|based|due|visible|seen|located|standing|sitting)\b/i;

/** What is behind the copula of each clause about what is asked: "The animal on the left is a cow", "…, and its capital is Paris". */
function complementsOf(text: string, question: string): string[] {
  const asked = new Set(
    wordsOf(question)
      .filter((word) => !isFunctionWord(word))
      .map(stem),
  );
  return text.split(/[.;:!?\n]+\s*|,\s+/).flatMap((clause, i) => {
    const [, subject, complement] =
      /^(.*?)(?:\b(?:is|are|was|were|be|says|reads|indicates|suggests|means|shows|depicts)\b|['’]s\b|=)\s*(.+)$/s.exec(
        clause,
      ) ?? [];
    if (subject === undefined || complement === undefined) return [];
    const words = wordsOf(subject);
    if (words.some((word) => DENIALS.has(word) || word === "or")) return [];
    // "The animal on the right is a cow" says nothing of the one on the left.
    if (words.some((word) => OTHERS.has(word) && !wordsOf(question).includes(word))) return [];
    return i === 0 || words.some((word) => asked.has(stem(word))) ? [complement] : [];
  });
}

/** Whether what a sentence says is the wanted text, in a frame of the question's words. */
function isFramed(sentence: string, wanted: string, question: string): boolean {
  const [said, phrase] = [phraseOf(sentence), phraseOf(wanted)];
  if (phrase.length === 0) return false;
  const asked = wordsOf(question);
  const frame = new Set(asked.filter((_, i) => !nextToOr(asked, i)).map(stem));
  const isDenied = wordsOf(sentence).some((word) => DENIALS.has(word)) && !phrase.some((word) => DENIALS.has(word));
  if (isDenied) return false;
  return said.some((_, at) => {
    if (!phrase.every((word, i) => said[at + i] === word)) return false;
    const [before, behind] = [said.slice(0, at), said.slice(at + phrase.length)];
    if (!isAsserted(`${before.join(" ")} `, ` ${behind.join(" ")}`)) return false;
    // "A phone in her hand", "Liverpool won by far", but no "phone case".
    const more = behind.findIndex(
      (word, i) => PLACES.has(word) || (i === 0 && !isFunctionWord(word) && frame.has(stem(word))),
    );
    const rest =
      more < 0 ? [...before, ...behind] : [...before, ...behind.slice(0, more), ...behind.slice(more).filter(saysMore)];
    const isColour = phrase.some((word) => ADJECTIVES.has(word));
    return rest.every(
      (word) => !saysMore(word) && (saysNothing(word) || frame.has(stem(word)) || (!isColour && ADJECTIVES.has(word))),
    );
  });
}

const saysNothing = (word: string) => isFunctionWord(word) || POSTURES.has(word) || /^\p{L}{4,}(?<!f)ly$/u.test(word);

const phraseOf = (text: string) =>
  normalize(wordsToDigits(text.toLowerCase().replace(/(?<=\w)['’](?:s|re|m|ve|d|ll)\b/g, "")))
    .split(" ")
    .filter((word) => word !== "");

/** "Is it red or green?" names what it asks for. */
function nextToOr(words: readonly string[], i: number): boolean {
  return words[i - 1] === "or" || words[i + 1] === "or";
}
