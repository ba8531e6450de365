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
const hedge =
  /(?:\b(?:not|dont|isnt|cant|cannot)\b|n['’]t\b).*\b(?:sure|certain|clear|know|tell|say|visible enough|possible to)\b|\b(?:unsure|uncertain|unclear|unknown|ambiguous|maybe|perhaps|possibly|might|could be|hard to|difficult to|impossible to|no idea)\b/i;

/** What a sentence says to a yes/no question: its first word if that settles it, else the one polarity it mentions. */
export function polarityOf(said: string): boolean | undefined {
  if (hedge.test(said) && !/^\W*(?:yes|no)\s*[,.;:!]/i.test(said)) return undefined;
  const words = normalize(said).split(" ");
  // A letter is a word of its own, but not in "N/A".
  const alone = /^[yn]\W*$/i.test(said) || words[0]!.length > 1;
  const first = asPolarity(words[0]!) ?? (alone ? spoken.get(words[0]!) : undefined);
  // "Yes or no?", "yes and no", "yes/no".
  const other = asPolarity((["or", "and"].includes(words[1] ?? "") ? words[2] : words[1]) ?? "");
  if (first !== undefined) return other === undefined || other === first ? first : undefined;
  const polarities = new Set(words.flatMap((word, i) => (words[i - 1] === "not" ? [] : (asPolarity(word) ?? []))));
  if (polarities.size === 1) return [...polarities][0];
  const denied = words.some((word, i) => word === "not" && asPolarity(words[i + 1] ?? "") === undefined);
  return polarities.size === 0 && (denied || /n['’]t\b/i.test(said)) ? false : undefined;
}
