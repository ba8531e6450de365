/** @file Yes and no in people's words, and the hedges that are neither. */
import { normalize } from "./normalize.ts";

/** What a text means that is yes, no, true or false and nothing else. */
export function asPolarity(text: string): boolean | undefined {
  if (text === "yes" || text === "true") return true;
  if (text === "no" || text === "false") return false;
  return undefined;
}

/** How people say yes and no besides. */
const spoken = new Map([
  ...["yeah", "yep", "yup", "y"].map((word) => [word, true] as const),
  ...["nope", "nah", "n"].map((word) => [word, false] as const),
]);

/** "I am not sure", "it is not clear": a sentence that leaves a question open, though it has a "not". */
const hedge = new RegExp(
  [
    String.raw`(?:\b(?:not|dont|isnt|cant|cannot)\b|n['’]t\b).*\b(?:sure|certain|convinced|confident|clear|know|tell|judge|decide|confirm|verify|something i can|visible enough|possible to|whether)\b`,
    String.raw`(?:\bnot\b|n['’]t\b).*\b(?:see|visible|shown|recogni[sz]e|make out)\b.*\b(?:clearly|properly|well)\b`,
    String.raw`\b(?:can(?:not| not|['’]?t)|(?:could|would)(?: not|n['’]t)|not\b.*\bto|rather not)\b.*\b(?:say|read|make out)\b`,
    String.raw`\bnot (?:known|obvious|given|stated|specified|available|determinable|answerable|applicable)\b`,
    String.raw`\bno (?:\w+ )?(?:idea|clue|answer|comment|information|info|data|opinion|response|way (?:of|to))\b`,
    String.raw`\b(?:unsure|uncertain|unclear|unknown|ambiguous|maybe|perhaps|possibly|might|(?:could|may) be|(?:hard|difficult|impossible) to)\b`,
  ].join("|"),
  "i",
);

/** Whether a sentence leaves open what was asked. */
export function hedges(sentence: string): boolean {
  return hedge.test(sentence);
}

/** What a sentence says to a yes/no question: its first word if that settles it, else the one polarity it mentions. */
export function polarityOf(said: string): boolean | undefined {
  if (hedge.test(said) && !/^\W*(?:yes|no)\s*[,.;:!]/i.test(said)) return undefined;
  // "Definitely not, no."
  const words = normalize(said.replace(/\bnot(?=\s*[,;])/gi, "no")).split(" ");
  // A letter is a word of its own, but not in "N/A".
  const alone = /^[yn]\W*$/i.test(said) || words[0]!.length > 1;
  const first = asPolarity(words[0]!) ?? (alone ? spoken.get(words[0]!) : undefined);
  // "Yes or no?", "yes and no", "yes/no".
  const other = asPolarity(words.slice(1).find((word) => word !== "or" && word !== "and") ?? "");
  if (first !== undefined) return other === undefined || other === first ? first : undefined;
  const polarities = new Set(words.flatMap((_, i) => polarityAt(words, i) ?? []));
  if (polarities.size === 1) return [...polarities][0];
  const denies = words.some((word, i) => word === "not" && asPolarity(words[i + 1] ?? "") === undefined);
  return polarities.size === 0 && (denies || /n['’]t\b/i.test(said)) ? false : undefined;
}

/** The polarity of a word in its sentence: "not true" is false, "not yes" says nothing, "correct" counts at the end. */
function polarityAt(words: readonly string[], i: number): boolean | undefined {
  const word = words[i]!;
  const judgement = word === "correct" && i === words.length - 1 ? true : JUDGEMENTS.get(word);
  if (judgement !== undefined) return words[i - 1] === "not" ? !judgement : judgement;
  return words[i - 1] === "not" ? undefined : asPolarity(word);
}

const JUDGEMENTS = new Map([
  ["true", true],
  ["false", false],
  ["untrue", false],
  ["incorrect", false],
]);
