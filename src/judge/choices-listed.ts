/** @file Multiple choice: the options a question lists, and the one a response picks. */

import { hasAlternative, isAsserted } from "./bounds.ts";
import { normalize, sentencesOf, wordsOf } from "./normalize.ts";

/** The options listed in a question as `(A) cat (B) dog` or as lines `A. cat`; empty when it lists none. */
export function choicesIn(question: string): string[] {
  for (const pattern of [/\(([A-Z])\)\s*([^\n]*?)\s*(?=\([A-Z]\)|\n|$)/g, /^\s*([A-Z])[.:)]\s+(.+?)\s*$/gm]) {
    const found = [...question.matchAll(pattern)];
    const inOrder = found.every((match, i) => match[1] === letter(i));
    if (found.length >= 2 && inOrder) return found.map((match) => match[2]!);
  }
  return [];
}

/** A question without the options that it lists. */
export function withoutChoices(question: string): string {
  return choicesIn(question).length > 0 ? question.replace(/\s*(?:\(A\)|^\s*A[.:)]\s)[\s\S]*$/m, "") : question;
}

/** Whether a question lists these options itself, each behind its letter: `(A) cat`, `A. cat` or `A: cat`. */
export function listsAll(question: string, choices: readonly string[]): boolean {
  return choices.every((choice, i) =>
    [")", ".", ":"].some((mark) => question.includes(`${letter(i)}${mark} ${choice.trim()}`)),
  );
}

/**
 * Index of the option a response picks: by letter (`B`, `(B)`, `B. dog`, "option B", "the answer is B", a last line `B`)
 * or by its text, alone or as the only option that its last sentence or all of it names. Undefined when it picks none or
 * several. Where letter and text disagree the letter counts, as in the benchmarks. A lower-case letter counts only when
 * nothing follows it: "a dog" is no option A.
 */
export function chosenOption(response: string, choices: readonly string[]): number | undefined {
  const texts = choices.map(normalize);
  const byText = texts.flatMap((text, i) => (text === normalize(response) ? [i] : []));
  if (byText.length === 1) return byText[0];
  // Behind the mark of a list, a quotation or a heading.
  const text = response.trim().replace(/^(?:[>#•*-]+\s+)+/, "");
  const form = letterForms.find((each) => each.test(text));
  if (!form) return lastLetter(text, choices.length) ?? named(text, texts);
  const picks = [...text.matchAll(new RegExp(form, "g"))];
  // What is said to be the answer takes back what was said before; of several options merely named, none is the answer.
  const pick = form === answerForm ? picks.at(-1)! : picks[0]!;
  const several =
    form !== answerForm &&
    new Set(
      [
        ...lineAt(text, pick.index).matchAll(/\(([A-Z])\)/g),
        ...text.matchAll(/^\(?([A-Z])(?:[).:]+\s|\)?\W*$)/gm),
        ...picks,
      ].map(letterOf),
    ).size > 1;
  const rest = text.slice(pick.index + pick[0].length);
  if (several || /^(?:,?\s+(?:or|and)\s+|\s*[,/&或和]\s*)\(?[A-Z]\b(?!\w)/.test(rest)) return undefined;
  const before = text.slice(0, pick.index);
  if (deniedBefore.test(before) || !isAsserted(before, rest) || hasAlternative(before, rest)) return undefined;
  // "B is what I thought, but it is C"
  if (form !== answerForm && /\bbut\b[^.]*\b[A-Z]\W*$/.test(rest)) return undefined;
  const index = letterOf(pick).charCodeAt(0) - "A".charCodeAt(0);
  // "(D) cannot be determined" may be how option D goes.
  const isText = texts[index] !== undefined && normalize(rest).startsWith(texts[index]);
  return index < choices.length && (isText || !deniedAfter.test(rest)) ? index : undefined;
}

/** A letter in whatever brackets, in capitals, or small with nothing behind it. */
const lettered = String.raw`[([{<"'“‘]*([A-Z](?!\w|['’]\w)|[a-z](?=[)\]}>.]*\s*$))[)\]}>"'”’]*`;
/** "It is not (C)", "all but C", "I rule out C"; "(C) is wrong", "C is not correct". */
const deniedBefore =
  /(?:\b(?:not|cannot|neither|nor|except|(?:anything|everything|all) but|excludes?|excluding|eliminates?|rejects?|rules? out|ruling out|than|without)|n['’]t)\s+(?:\w+\s+)?$|不(?:是|选)?$/i;
const deniedAfter =
  /^\W*\s(?:does|do|did|can|could|would)(?:\s*not\b|n['’]t\b)|^\W*\s(?:is|was|seems|looks)(?:\s+not\b|n['’]t\b|\s+(?:wrong|incorrect|false)\b)/i;
const surely = "(?: (?:clearly|certainly|definitely|most likely|probably|likely|then|thus|therefore))?";
/** "The answer, then, is clearly", "Answer:", "I'd go with". */
const answerIs = [
  String.raw`\b(?:[Aa]nswer|ANSWER|[Aa]ns\.?)(?:,? \w+,?)??(?:['’]s)?(?:\s*(?:is${surely}|(?:would|must|should|has to) be|[-–—:=→>]))*`,
  String.raw`\bI(?: would| will|['’]ll|['’]d)? (?:choose|pick|select|say|go with)`,
].join("|");
const answerForm = new RegExp(
  String.raw`(?:(?:${answerIs})\s*(?<=[\s:=→>-])(?:(?:[Oo]ption|[Cc]hoice)\s+)?|答案(?:是|为)?[:：]?\s*)${lettered}`,
);
/** How a letter is given, by how much each form says: the first that a response has is the one that counts. */
const letterForms = [
  /^[([{<]*([A-Za-z])[)\]}>]*[.:]?$/,
  answerForm,
  /^(?:\(([A-Z])\)|([A-Z])[.:)])(?=\s|$)/,
  /(?<![\w'’])([A-Z])[)\]]? (?:is|seems|looks|must be) (?:the )?(?:correct|right|answer|best|true|supported|one|only|what)\b/,
  /(?<![\w'’])([A-Z])[)\]]? (?:it is|fits|matches|holds|applies|remains|works)\b|^([A-Z])选?项/,
  new RegExp(
    String.raw`(?:\b(?:[Oo]ption|[Cc]hoice|[Ll]etter)(?: is|:)*\s+|选(?:项|择)?(?:是|为)?[:：]?\s*)${lettered}`,
  ),
  /\(([A-Z])\)/,
  // "So B.", "It's B."
  new RegExp(
    String.raw`\b(?:[Ss]o|[Tt]hus|[Hh]ence|[Tt]herefore|[Ii]t(?: is|['’]s| must be)|[Mm]ust be),?\s+${lettered}(?=[.!]?\s*$)`,
  ),
  /^([A-Z])(?:\s*(?:[-–—;=\n]|->|→)|\s\()/,
  /^([A-Z]),\s(?!or\b|and\b)[a-z]/,
  /^(?:([B-HJ-Z])|(A)(?= best\b))(?=\s+(?!isn?\b|wasn?\b|can|could\b|may\b|might\b|or\b|and\b|vs|versus\b|through\b|to\b|does|did)[a-z])/,
  /^([A-Z])\s+(?=because\b|since\b|as\b|given\b)/,
  /[\n:]\s*([A-Z])\.?$/,
];

/** The line in which a place of a text is. */
function lineAt(text: string, index: number): string {
  return text.slice(text.lastIndexOf("\n", index) + 1).split("\n", 1)[0]!;
}

function letterOf(match: RegExpMatchArray): string {
  return (match[1] ?? match[2])!.toUpperCase();
}

/** "That leaves C.", "B it is.": the letter in which the last sentence ends, if it names no other. */
function lastLetter(text: string, n: number): number | undefined {
  const last = sentencesOf(text).at(-1) ?? "";
  const letters = [...last.matchAll(LONE_LETTER)];
  return letters.length === 1 && !/\p{L}/u.test(last.slice(letters[0]!.index + 1))
    ? pickOf(last, letters[0]!, n)
    : undefined;
}

const LONE_LETTER = /(?<![\w'’])(?:[B-HJ-Z]|[AI](?! (?!or\b|and\b|through\b|to\b|nor\b|is\b)[a-z]))(?![\w'’])/g;

/** The index of a letter in a sentence that does not deny it. */
function pickOf(sentence: string, { 0: found, index }: RegExpMatchArray, n: number): number | undefined {
  const [before, after] = [sentence.slice(0, index), sentence.slice(index! + 1)];
  const option = found.charCodeAt(0) - "A".charCodeAt(0);
  const isDenied = deniedBefore.test(before) || deniedAfter.test(after) || !isAsserted(before, after);
  if (isDenied || hasAlternative(before, after) || /\b(?:or|and|nor|versus|vs\.?)\s+$/i.test(before)) return undefined;
  return option < n && !/\b(?:not|neither|nor|cannot)\b|n['’]t\b/.test(sentence) ? option : undefined;
}

const DENIAL =
  /\b(?:not|no|nor|neither|never|than|except|without|away|opposite|excludes?|rules? out)\b|\b(?:any|every|all)\w*(?: \w+)? but$/;

/** Whether each clause that names a text denies it, or names something else beside it: "a cat or a ferret". */
function isDenied(scope: string, text: string): boolean {
  return scope
    .split(/(?<!\d)[.,]|[.,](?!\d)|[;:!?\n—–]/)
    .map((clause) => ` ${normalize(clause)} `.split(` ${text} `))
    .filter((parts) => parts.length > 1)
    .every(([before, after]) => {
      const [words, rest] = [before, after].map((part) => wordsOf(part!).join(" "));
      if (/\beither$/.test(words!)) return true;
      const around = [`${words} `, ` ${rest}`] as const;
      if (!isAsserted(...around) || hasAlternative(...around)) return true;
      return DENIAL.test(words!.replace(/\bnot\b.*\bbut\b/, "")) || /^(?:\w+ ){0,3}not\b/.test(rest!);
    });
}

/** The only option in words that a response names, in its last sentence or else anywhere, and does not deny. */
function named(response: string, texts: readonly string[]): number | undefined {
  for (const scope of [sentencesOf(response).at(-1) ?? "", response]) {
    const said = ` ${normalize(scope)} `;
    // A derivation names many numbers and letters on its way.
    const found = texts.flatMap((text, i) => (/\p{L}{2}/u.test(text) && said.includes(` ${text} `) ? [i] : []));
    // "quarter to" is not "quarter".
    const longest = found.filter((i) => !found.some((j) => j !== i && ` ${texts[j]} `.includes(` ${texts[i]} `)));
    if (longest.length > 1) return undefined;
    if (longest.length === 1) {
      return isDenied(scope, texts[longest[0]!]!) ? undefined : longest[0];
    }
  }
  return undefined;
}

/** The letter of an option by its index: 0 is A. */
export function letter(index: number): string {
  return String.fromCharCode(65 + index);
}
