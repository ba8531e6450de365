/** @file Which words of a sentence say something of what is asked, and whether a sentence or a clause is about that. */
import { wordsOf } from "./normalize.ts";

const set = (...lists: string[]): ReadonlySet<string> => new Set(lists.join(" ").split(" "));

/** Words that say nothing of what is asked: articles, pronouns, auxiliaries, and how one says that something is in a picture. */
const FUNCTION = set(
  "how much many number a an the this that these those it its they their there he his she her i we you one which who what here",
  "is are was were be been being am do does did has have had can could will would should must s",
  "of to as by for with in on at from",
  "image picture photo photograph scene shown shows show showing see seen sees visible depicts depicted displayed displays appears appear",
  "contains contain includes include seems seem looks look think believe say says said reads read written labeled labelled called named kind type sort color colour coloured",
  "colored painted object item thing word answer so therefore thus hence clearly really just actually simply very made out day",
);
/** What begins a phrase that says where the thing is. */
export const PLACES = set(
  "in on at with near next beside behind under above over by inside between around across along against",
);
/** Whether a word says nothing of what is asked by itself. */
export function isFunctionWord(word: string): boolean {
  return FUNCTION.has(word);
}

/** A word without its ending: "rides" and "riding" are one. */
export function stem(word: string): string {
  return word.replace(/(?<=\p{L}{3})(?:ing|ed|es|s|e)$/u, "");
}

/** The stems of the words that say something. */
export function contentOf(words: readonly string[]): string[] {
  return words.filter((word) => /\p{L}{3}/u.test(word) && !isFunctionWord(word)).map(stem);
}

/** Words of which an elliptical denial is made: "It isn't.", "I don't see any.", "Not at all." */
const ELLIPTICAL = set(
  "it its this that they them there he she i we you one any none no not never nobody nothing is are was were do does did has have had can could",
  "will would see find think believe so at all really quite exactly entirely yet afraid the a an of course by means case am be s",
);

/** Whether a denial is of what the question asks about: it names something of it, or nothing at all. "There is no image" denies no dog. */
export function concerns(sentence: string, question: string): boolean {
  const words = wordsOf(withoutPlace(sentence));
  if (words.length > 0 && words.every((word) => ELLIPTICAL.has(word)))
    return words.length > 1 || /^n(?:o|ot|one|obody|othing|ever)$/.test(words[0]!);
  const asked = new Set(wordsOf(withoutPlace(question)).filter(isContent).map(stem));
  return asked.size === 0 || words.filter(isContent).some((word) => asked.has(stem(word)));
}

/** The picture and the question themselves: "There is no image" is about them. */
const IMAGE = "image|picture|photo|photograph|scene|question";
const withoutPlace = (text: string) =>
  text.replace(new RegExp(`\\b(?:in|from) (?:the|this) (?:${IMAGE})\\b`, "gi"), "");

/** Whether a word says something, be it of a place or of the picture itself. */
export function isContent(word: string): boolean {
  return !FUNCTION.has(word) || PLACES.has(word) || new RegExp(`^(?:${IMAGE})s?$`).test(word);
}

/**
 * Of the clauses that have a value the one that says again what the question asks about, where each other one is about something else:
 * of "built in 1932 and restored in 1998" the first, if one asks when it was built.
 */
export function clauseAbout(question: string, text: string, hasValue: (clause: string) => boolean): string | undefined {
  if (/\bbetween\b/i.test(text)) return undefined;
  const asked = new Set(contentOf(wordsOf(question)));
  const clauses = text.split(/[.;,]\s+|\s(?:and|but|while)\s/).filter(hasValue);
  const isAbout = (clause: string) => contentOf(wordsOf(clause)).some((word) => asked.has(word));
  const others = clauses.filter((clause) => !isAbout(clause));
  const isApart =
    others.length === clauses.length - 1 && others.every((clause) => contentOf(wordsOf(clause)).length > 0);
  return isApart ? clauses.find(isAbout) : undefined;
}
