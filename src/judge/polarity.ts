/** @file Yes and no in people's words. */
import { hasAlternative, isAsserted } from "./bounds.ts";
import { concerns, isContent, isFunctionWord, stem } from "./content-words.ts";
import { abstains, cannotSee, wavers } from "./doubt.ts";
import { clausesOf, sentencesOf, wordsOf } from "./normalize.ts";

/** What a text means that is yes, no, true or false and nothing else. */
export function asPolarity(text: string): boolean | undefined {
  if (text === "yes" || text === "true") return true;
  if (text === "no" || text === "false") return false;
  return undefined;
}

const words = (list: string, value: boolean) => list.split(" ").map((word) => [word, value] as const);
/** What settles a question as the first word. */
const FIRST = new Map([
  ...words("yes yeah yep yup y true", true),
  ...words("no nope nah n false negative incorrect wrong untrue", false),
]);
/** What agrees as the first word with a mark behind it, "Right, …", and only stresses a "not": "Definitely not." */
const STRESS = new Set(
  "correct right indeed affirmative absolutely definitely certainly surely sure exactly clearly obviously".split(" "),
);
const JUDGEMENTS = new Map([...words("true", true), ...words("false untrue incorrect wrong", false)]);
const DENIALS = new Set("not no none nothing nobody never without neither nor".split(" "));

/** "There is no doubt" has a "no" that is none. */
const NO_DOUBT =
  /\b(?:there(?:['’]s| is) )?(?:no|without(?: a| any)?|beyond(?: a| any)?) (?:doubt|question)(?: about (?:it|that))?[\s,:;]*/gi;

/** What a response says to a yes/no question; undefined where it says neither or both. */
export function polarityOf(text: string, question: string): boolean | undefined {
  const said = text.replace(NO_DOUBT, "");
  const sentences = sentencesOf(said);
  if (sentences.some((each) => wavers(each, question) || abstains(each) || /^\W*(?:if|unless|assuming)\b/i.test(each)))
    return undefined;
  const given = wordsOf(said.replace(/\bof course\b/gi, "certainly"));
  const first = firstOf(said, given);
  // "No, I can't see any."
  if (first === undefined && sentences.some((each) => cannotSee(each, question))) return undefined;
  const named = clausesOf(said).flatMap((words) => words.flatMap((_, i) => polarityAt(words, i) ?? []));
  if (named.includes("denied")) return undefined;
  if (first !== undefined) return named.every((each) => each === first) ? first : undefined;
  const judged = new Set(named);
  if (judged.size > 0) return judged.size === 1 ? named[0] === true : undefined;
  const claims = sentences.map((each) => claimOf(each, question)).filter((claim) => claim !== undefined);
  return claims.length > 0 && claims.every((claim) => claim === claims[0]) ? claims[0] : undefined;
}

const AFTER_NO = new Set(
  "way not because since only just neither none nothing but definitely no yes or and".split(" "),
);

/** The polarity of a response by how it begins. */
function firstOf(said: string, given: readonly string[]): boolean | undefined {
  const [first = "", second] = given;
  // "No candles" is to be a claim about candles.
  const isOfNoun = first === "no" && /^\W*no\s+\p{L}/iu.test(said) && isContent(second!) && !AFTER_NO.has(second!);
  if (isOfNoun) return undefined;
  // A letter is a word of its own, but not in "N/A".
  if (FIRST.has(first)) return first.length > 1 || /^\W*[yn]\W*$/i.test(said) ? FIRST.get(first) : undefined;
  if (!STRESS.has(first)) return undefined;
  if (second === "not") return false;
  return second === undefined ||
    new RegExp(`^\\W*(?:(?:${[...STRESS].join("|")})\\W+)?(?:of course|${first})\\s*[,.;:!—–-]`, "i").test(said)
    ? true
    : undefined;
}

/**
 * The polarity of a word in its clause, where it is one: "not true" is false, "correct" counts at the end, and of "no" only what does not
 * stand before a noun. "Not yes", "hardly no", "yes is wrong" and "yes or none" say nothing.
 */
function polarityAt(words: readonly string[], i: number): boolean | "denied" | undefined {
  const [word, next, before] = [words[i]!, words[i + 1], words.slice(0, i)];
  const isLast = next === undefined;
  const agrees = isLast && (word === "correct" || (word === "right" && words[0] === "that"));
  const judgement = agrees || JUDGEMENTS.get(word);
  if (judgement !== undefined) return before.includes("not") ? !judgement : judgement;
  const answer = word === "no" && !isLast && !SAID_OF.has(next) ? undefined : asPolarity(word);
  if (answer === undefined) return undefined;
  const around = [`${before.join(" ")} `, ` ${words.slice(i + 1).join(" ")}`] as const;
  const isDenied =
    before.some((each) => ["not", "never", "than"].includes(each)) ||
    !isAsserted(...around) ||
    hasAlternative(...around);
  const isBoth = (next === "and" || next === "or") && asPolarity(words[i + 2] ?? "") !== undefined;
  return isDenied || isBoth || (next !== undefined && SAID_OF.has(next) && !AGREES.has(words[i + 2] ?? ""))
    ? "denied"
    : answer;
}
/** What speaks of the word itself. */
const SAID_OF = new Set("is was seems sounds or nor rather instead versus vs if can".split(" "));
const AGREES = new Set("the my correct right true".split(" "));

/** What a sentence claims of what the question asks, by saying it again or denying it: "It does.", "The door is open.", "It isn't." */
function claimOf(sentence: string, question: string): boolean | undefined {
  // "It is open, not closed."
  const contrast = /,\s*(?:and |but )?not (?:the )?(\p{L}+)\W*$/iu.exec(sentence);
  if (
    contrast &&
    !wordsOf(question).includes(contrast[1]!.toLowerCase()) &&
    affirms(sentence.slice(0, contrast.index), question)
  )
    return true;
  const given = wordsOf(sentence);
  const denial = given.find((word) => DENIALS.has(word));
  if (denial !== undefined) return isOfSpeaker(given) || !concerns(sentence, question) ? undefined : false;
  return affirms(sentence, question) || undefined;
}

/** What a speaker denies of himself says nothing of the picture, but for what he sees in it and thinks of it. */
function isOfSpeaker(given: readonly string[]): boolean {
  const at = given.indexOf("not");
  return at > 0 && given.slice(0, at).some((word) => SPEAKERS.has(word)) && !given.some((word) => SEES.has(word));
}
const SPEAKERS = new Set("i we".split(" "));
const SEES = new Set("see find notice spot observe detect think believe so afraid".split(" "));

const PRONOUNS = "it they he she there this that these those both we you i".split(" ");
const AUXILIARIES = new Set("is are was were does do did has have had can will would could should am".split(" "));
/** "It does.", "They all are.", "All of them are." */
const ELLIPSIS = new RegExp(
  `^\\W*(?:(?:indeed|certainly|definitely|surely|I think|I believe) )?(?:${PRONOUNS.join("|")}|(?:all|both) of (?:it|them|these|those))(?: (?:all|both|indeed|certainly|definitely|sure|surely|really))? (?:${[...AUXILIARIES].join("|")})(?: indeed)?\\W*$`,
  "i",
);
/** What does not leave a claim as it is. */
const WEAKEN = new Set(
  "if whether or almost nearly hardly barely partly only instead except fails lacks missing seems too".split(" "),
);

/** Whether a sentence says what the question asks, word for word in its order, and maybe more or with a pronoun for its subject. */
function affirms(sentence: string, question: string): boolean {
  if (ELLIPSIS.test(sentence) || /^\W*I (?:(?:do )?(?:think|believe)|would say) so\W*$/i.test(sentence)) return true;
  // "She is taller." leaves out than whom.
  const whole = withoutInstruction(question);
  const [first = "", ...others] = wordsOf(whole);
  if (!AUXILIARIES.has(first) || others.includes("or")) return false;
  const [asked, said] = [
    claimWords(/\bthan\b/.test(sentence) ? whole : whole.replace(/\bthan\b.*/, "")),
    claimWords(sentence),
  ];
  if (said.length === 0 || asked.length === 0 || wordsOf(sentence).some((word) => WEAKEN.has(word))) return false;
  const hasVerb =
    wordsOf(sentence).some((word) => AUXILIARIES.has(word)) || /['’](?:s|re)\b/.test(sentence) || said.length > 1;
  return isWithin(asked, said) || (hasVerb && said.at(-1) === asked.at(-1) && isWithin(said, asked));
}

/** A question without "Answer with yes or no." behind it or in brackets. */
function withoutInstruction(question: string): string {
  return question.replace(/\([^()]*\)/g, "").replace(/\?[\s\S]*/, "");
}

/** The words that carry what a text says, places among them: "under" is another claim than "on". */
function claimWords(text: string): string[] {
  return wordsOf(text.replace(/\b(?:on|to|at) the (?=left|right|top|bottom|back|front)/gi, ""))
    .filter((word) => PLACES.has(word) || !isFunctionWord(word))
    .map(stem);
}
const PLACES = new Set("in on at above under over below behind beside near".split(" "));

/** Whether words come in another text in the same order. */
function isWithin(part: readonly string[], whole: readonly string[]): boolean {
  let at = 0;
  return part.every((word) => {
    at = whole.indexOf(word, at) + 1;
    return at > 0;
  });
}
