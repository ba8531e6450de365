/** @file Multiple choice: the options a question lists, and the one a response picks. */

import { normalize, sentencesOf } from "./normalize.ts";

/** The options listed in a question as `(A) cat (B) dog` or as lines `A. cat`; empty when it lists none. */
export function choicesIn(question: string): string[] {
  for (const pattern of [/\(([A-Z])\)\s*([^\n]*?)\s*(?=\([A-Z]\)|\n|$)/g, /^\s*([A-Z])[.:)]\s+(.+?)\s*$/gm]) {
    const found = [...question.matchAll(pattern)];
    const inOrder = found.every((match, i) => match[1] === letter(i));
    if (found.length >= 2 && inOrder) return found.map((match) => match[2]!);
  }
  return [];
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
  if (!form) return named(text, texts);
  const picks = [...text.matchAll(new RegExp(form, "g"))];
  // What is said to be the answer takes back what was said before; of several options merely named, none is the answer.
  const pick = form === answerForm ? picks.at(-1)! : picks[0]!;
  const several = form !== answerForm && new Set([...text.matchAll(/\(([A-Z])\)/g), ...picks].map(letterOf)).size > 1;
  const rest = text.slice(pick.index + pick[0].length);
  if (several || /^(?:,?\s+(?:or|and)\s+|\s*[,/&]\s*)\(?[A-Z]\b(?!\w)/.test(rest)) return undefined;
  if (deniedBefore.test(text.slice(0, pick.index)) || deniedAfter.test(rest)) return undefined;
  const index = letterOf(pick).charCodeAt(0) - "A".charCodeAt(0);
  return index < choices.length ? index : undefined;
}

/** A letter in whatever brackets, in capitals, or small with nothing behind it. */
const lettered = String.raw`[([{<"'“‘]*([A-Z](?!\w|['’]\w)|[a-z](?=[)\]}>.]*\s*$))[)\]}>"'”’]*`;
/** "It is not (C)", "all but C"; "(C) is wrong", "C is not correct". */
const deniedBefore = /(?:\b(?:not|neither|nor|except|(?:anything|everything|all) but)|n['’]t)\s+(?:\w+\s+)?$/i;
const deniedAfter = /^\W*\s(?:is|was|seems|looks)(?:\s+not\b|n['’]t\b|\s+(?:wrong|incorrect|false)\b)/i;
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
  /(?<![\w'’])([A-Z])[)\]]? (?:is|seems|looks|must be) (?:the )?(?:correct|right|answer|best)\b/,
  new RegExp(
    String.raw`(?:\b(?:[Oo]ption|[Cc]hoice|[Ll]etter)(?: is|:)*\s+|选(?:项|择)?(?:是|为)?[:：]?\s*)${lettered}`,
  ),
  /\(([A-Z])\)/,
  // "So B.", "It's B."
  new RegExp(
    String.raw`\b(?:[Ss]o|[Tt]hus|[Hh]ence|[Tt]herefore|[Ii]t(?: is|['’]s| must be)|[Mm]ust be),?\s+${lettered}(?=[.!]?\s*$)`,
  ),
  /^([A-Z]),\s(?!or\b|and\b)[a-z]/,
  /[\n:]\s*([A-Z])\.?$/,
];

function letterOf(match: RegExpMatchArray): string {
  return (match[1] ?? match[2])!.toUpperCase();
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
      const before = said.slice(0, said.indexOf(` ${texts[longest[0]!]} `));
      return /\b(?:not|no|nor|isnt|arent|than|except|without|away|opposite)\b/.test(before) ? undefined : longest[0];
    }
  }
  return undefined;
}

/** The letter of an option by its index: 0 is A. */
export function letter(index: number): string {
  return String.fromCharCode(65 + index);
}
