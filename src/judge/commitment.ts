/**
 * @file What a response settles on in the end: behind its last correction, in the words "the answer is", or as its conclusion; without what
 * it says around that, and without what it says the answer is not.
 */
import { sentencesOf } from "./normalize.ts";

/** "Wait, …", "No, actually …", "or rather …" as a clause of its own or at the head of one, and a "no" behind something else: "3, no, 4". */
const CORRECTION =
  /(?<=^|[.!?…,;:—–\n-]\s*)(?:(?:but|and|no|oh|hmm+|well|ah|oops|sorry|or|on)[,.…!—-]*\s+)*(?:wait|actually|correction|hold on|(?:scratch|strike) that|second thoughts?|my (?:mistake|bad)|I mean(?:t)?|let me (?:re\w+|check|count|look)\b[^.!?,;:\n]*|I (?:made a mistake|was wrong|misread|miscounted)[^.!?,;:\n]*|make (?:that|it)|rather(?=,)|(?<=or )rather)\b[\s,.:;!—–…]*(?:-\s+)?|(?<=(?:first|initially|originally|thought)\b[^.!?\n]*\s)but\b\s+|(?<=[\p{L}\p{N}%°)](?:\.{2,}|…|,|\s?[—–-])\s*)(?=no,\s)/giu;

/** What a response says after its last correction; all of it where it makes none, or says nothing after it. */
export function settled(text: string): string {
  const last = [...text.matchAll(CORRECTION)].findLast(({ index, 0: marker }) =>
    /[\p{L}\p{N}]/u.test(text.slice(index + marker.length)),
  );
  return last ? text.slice(last.index + last[0].length) : text;
}

/** What is behind the last place of a text that matches; undefined where none does. */
export function behindLast(mark: RegExp, text: string): string | undefined {
  const last = [...text.matchAll(mark)].at(-1);
  return last && text.slice(last.index + last[0].length);
}

const STATEMENT =
  /\b(?:answer|final value|conclusion|result)(?: to (?:the|this|your) question)?(?: is(?!n['’]t)|:| would be| must be| should be| has to be)+|答案(?:是|为)?[:：]?|^#{2,}(?= ?\S)|\banswer\W*\n/gim;

/** What a response says that its answer is, if it says so: the last time, to the end of that sentence. */
export function statedAnswer(text: string): string | undefined {
  const tail = behindLast(STATEMENT, text);
  return tail === undefined ? undefined : sentencesOf(tail)[0];
}

/** What follows the last "so" within a sentence; all of it where it draws no conclusion. */
export function concluded(text: string): string {
  return behindLast(/,\s*(?:and\s+)?(?:so|thus|hence|therefore)\b[\s,]*(?=\S)/gi, text) ?? text;
}

/** What people say before an answer, with a mark behind it, and after one. */
const OPENERS = [
  "(?:hm+|oh|ah|well|ok(?:ay)?|alright|sure|certainly|of course|naturally|obviously|clearly|indeed|overall|finally|lastly)",
  "(?:(?:there(?:['’]s| is) )?(?:no|without(?: a| any)?|beyond(?: a| any)?) (?:doubt|question)(?: about (?:it|that))?)",
  "(?:to (?:sum up|conclude|summarize)|in (?:short|summary|conclusion|brief|other words|sum)|let(?: me|['’]s) (?:think|see|look)|as (?:shown|you can see|can be seen))",
  "(?:response|solution|output|prediction|ans|reply|label|choice|decision|verdict)",
].join("|");
const OPENING = new RegExp(
  String.raw`^\W*(?:(?:${OPENERS})\s*[,.:;!…—–]+\s*|(?:so|thus|hence|therefore)\b[,:]?\s+|I(?:['’]d| would| will|['’]ll)? (?:go with|choose|pick|select|say|opt for|settle on)\s+)(?=\S)`,
  "i",
);
const CLOSING =
  /(?:,? (?:of course|without (?:a|any) doubt|no doubt|for sure|I(?:['’]m| am) (?:sure|certain|confident|positive)|I (?:think|believe))|\s+(?:is|would be|must be|should be) (?:(?:definitely |clearly )?(?:the|my) (?:final |correct |right |best )*(?:answer|choice|option|one)|correct|right))\s*[.!]*$/i;

/** A response without what is said around an answer: "Well, a cow, of course." says "a cow". */
export function bare(text: string): string {
  const shorter = text.replace(OPENING, "").replace(CLOSING, "").trim();
  return shorter === text ? text : bare(shorter);
}

/** "Yes, not no", "yes rather than no", "not no but yes": the word that stands. */
export function withoutOtherWord(text: string): string {
  return text
    .replace(/(?:,?\s+(?:and\s+)?not|,?\s+rather than|,?\s+instead of)\s+(?:yes|no)\W*$/i, "")
    .replace(/^(?:it(?:['’]s| is) )?not\s+(?:yes|no)(?:\s*[.,;:]|\s+but)\s+(?:it(?:['’]s| is) )?(?=\S)/i, "");
}

/** A text without what it says the answer is not: "a cow, not a horse", "not a horse but a cow", "Not a horse; a cow". */
export function withoutContrast(text: string): string {
  return text
    .replace(/(?:,\s+(?:and\s+)?not|,?\s+(?:rather than|instead of|as opposed to|unlike))\s[^.,;:!?]*[.!]?$/i, "")
    .replace(/,?\s+(?:whereas|while)\s[^.;!?]*[.!]?$/i, "")
    .replace(/\b(?:not|neither)\s[^.;!?]*?,?\s+but\s+(?:rather\s+)?/i, "")
    .replace(/^(?:(?:it(?:['’]s| is) )?not\s[^.,;:!?]*[.,;:]\s+)+(?=\S)/i, "");
}

/** The last sentence that draws a conclusion: "So there are 4.", "In total, 4." */
export function conclusionOf(text: string): string | undefined {
  return sentencesOf(text).findLast((sentence) =>
    /^\W*(?:therefore|thus|so|hence|total|in total|in all|in conclusion|overall|altogether|in summary|finally)\b/i.test(
      sentence,
    ),
  );
}
