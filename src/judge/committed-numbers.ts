/** @file The numbers that a response commits to, among all that it names on its way. */
import { denies, isAsserted } from "./bounds.ts";
import { behindLast, conclusionOf, statedAnswer } from "./commitment.ts";
import { clauseAbout, concerns, contentOf, isFunctionWord, stem } from "./content-words.ts";
import { wavers } from "./doubt.ts";
import { clean, sentencesOf, wordsOf } from "./normalize.ts";
import { ordinalsToDigits, wordsToDigits } from "./number-words.ts";
import { asQuantity, type Quantity, quantities, type Stated, statedQuantities } from "./read-numbers.ts";

/**
 * What a response, bare of its marks, says the answer is, or begins with, or comes to by "=" or as its conclusion, or else all it names.
 * "No" and "none" are 0.
 */
export function committedNumbers(said: string, question: string): readonly Quantity[] {
  const answer = statedAnswer(said);
  if (answer !== undefined) return numbersOf(afterEquals(answer), question);
  const sentences = sentencesOf(said);
  if (wavers(sentences.at(-1) ?? "", question)) return [];
  const head = headOf(said);
  if (head) return [head];
  const conclusion = conclusionOf(said);
  const scope = afterEquals(conclusion ?? said);
  // Of "the distance between the 2 trees is 10 m", 10 m.
  const verbs = [...scope.matchAll(/\b(?:is|are|was|were|equals)\b/gi)];
  const verb = conclusion !== undefined || verbs.length === 1 ? verbs.at(-1) : undefined;
  if (verb && denies(scope.slice(0, verb.index))) return [];
  const predicate = verb ? numbersOf(scope.slice(verb.index), question) : [];
  const cardinals = predicate.length > 0 ? predicate : numbersOf(scope, question);
  const numbers = cardinals.length > 0 ? cardinals : numbersOf(ordinalsToDigits(scope.toLowerCase()), question);
  if (numbers.length > 0) return numbers;
  const isNone =
    /^(?:no|none|nothing|nobody)\b|\b(?:are|is|has|have|see|contains?|shows?) (?:no|none|not any)\b|n['’]t any\b/i.test(
      said,
    ) && concerns(said, question);
  return isNone ? quantities("0") : [];
}

/** The numbers that a response prints in bold or in a box, and does not deny or bound. */
export function markedNumbers(response: string): Quantity[] {
  return [...response.matchAll(/\*\*([^*]+)\*\*|\\boxed\{([^{}]*)\}/g)].flatMap(
    ({ 0: mark, 1: bold, 2: boxed, index }) => {
      const number = asQuantity(clean(bold ?? boxed!));
      return number && isAsserted(response.slice(0, index), response.slice(index + mark.length)) ? [number] : [];
    },
  );
}

/** The number that a response begins with, alone or with what it counts: "Three: two adults and a child.", "Six. Three are lit." */
function headOf(said: string): Quantity | undefined {
  const head =
    /^((?:(?!\d[.,]\d)[^.:;!\n(])*?\d?(?:\.\d+)?)\s*(?:[:;!\n]|\.(?:\s|$))(?=[\s\S]*\p{L}{2})/u.exec(said)?.[1] ?? "";
  const isOne = said
    .slice(head.length)
    .split(/[.:;!\n]/)
    .every((rest) => counted(rest.trim()) === undefined);
  return isOne ? counted(head) : undefined;
}

/** "Three", "3 cats" */
function counted(text: string): Quantity | undefined {
  return asQuantity(text) ?? (/^\S+ \p{L}+$/u.test(text) ? asQuantity(text.split(" ")[0]!) : undefined);
}

/** The numbers of a stretch that no working is left in: those of what the question counts, if it has any. */
function numbersOf(scope: string, question: string): readonly Quantity[] {
  const stated = statedQuantities(withoutWorking(scope));
  if (stated.some(({ hasAlternative }) => hasAlternative)) return [];
  if (/\bor\b|或/i.test(scope) || stated.length < 2) return stated;
  if (isEnumeration(stated)) return [stated.at(-1)!];
  const sum = sumIn(stated);
  if (sum) return sum;
  const found = withoutGiven(stated, question);
  if (found.length === 1) return found;
  return (isCount(question) ? ofWhatIsCounted(stated, question) : ofWhatIsAsked(stated, scope, question)) ?? found;
}

/** Without the numbers that the question gives, "3 tickets cost $36", if others are left. */
function withoutGiven(stated: readonly Quantity[], question: string): readonly Quantity[] {
  const given = new Set(quantities(question).map(({ value }) => value));
  const others = stated.filter(({ value }) => !given.has(value));
  return others.length > 0 ? others : stated;
}

const isCount = (question: string) => /\bhow many\b/i.test(question);

/** The number behind what the question asks for, "remainder 2", or those of the clause that says it again: "built in 1932 and restored in 1998". */
function ofWhatIsAsked(stated: readonly Stated[], scope: string, question: string): readonly Quantity[] | undefined {
  const asked = new Set(contentOf(wordsOf(question)));
  const named = stated.filter(({ before }) => before !== undefined && asked.has(stem(before)));
  if (named.length === 1) return named;
  const clause = clauseAbout(question, scope, (each) => statedQuantities(each).length > 0);
  return clause === undefined ? undefined : statedQuantities(withoutWorking(clause));
}

/**
 * The number before what the question counts, where each other number is before something else: of "5 cars in total, 2 of which are red" the
 * red cars are 2.
 */
function ofWhatIsCounted(stated: readonly Stated[], question: string): readonly Quantity[] | undefined {
  const phrase = wordsOf(question.replace(/.*\bhow many\b/is, ""));
  const [asked, end] = [new Set(contentOf(phrase)), phrase.findIndex(isFunctionWord)];
  // Twice for what it is, once for how it is; "2 are red" and "2 of them" leave out what it is.
  const head = contentOf(end < 0 ? phrase : phrase.slice(0, end)).at(-1);
  const named = stated.map(({ words }) => new Set(contentOf(words).filter((word) => asked.has(word))));
  const isOfThem = stated.map(({ words: [next = ""], isPart }) => isPart || /^(?:is|are|was|were)$/.test(next));
  const weights = named.map(
    (words, i) => words.size + Number(words.has(head!)) + 2 * Number(isOfThem[i]! && words.size > 0),
  );
  const best = weights.indexOf(Math.max(...weights));
  // "Two are broken" answers how many are, whatever the others are; "4 cats" says nothing of "2 are awake".
  const isSaid = [...named[best]!].some((word) => word !== head);
  const isApart = stated.every(({ words, isPart }, i) => {
    if (i === best) return true;
    const isOther = contentOf(isSaid ? words : words.slice(0, 1)).length > 0;
    return (isOther || isPart) && [...named[best]!].some((word) => !named[i]!.has(word));
  });
  return weights[best]! > 0 && isApart ? [stated[best]!] : undefined;
}

/** "One, two, three": somebody counts. */
function isEnumeration(numbers: readonly Quantity[]): boolean {
  const steps = numbers.filter(({ value }, i) => i === 0 || value !== numbers[i - 1]!.value);
  return steps.length > 2 && steps.every(({ value }, i) => value === i + 1);
}

/** The first or last number, where it is the sum of the others: "4: two on the left and two on the right". */
function sumIn(numbers: readonly Quantity[]): readonly Quantity[] | undefined {
  const total = numbers.reduce((sum, { value }) => sum + value, 0);
  const sum = numbers.length > 2 && [numbers[0]!, numbers.at(-1)!].find(({ value }) => 2 * value === total);
  return sum ? [sum] : undefined;
}

/**
 * Without the working behind a number, "6 (4 + 2)", "4, two on each side"; without "one" where it stands for a thing, "one on the left";
 * and without the whole that a part is of: "3 of the 7".
 */
function withoutWorking(text: string): string {
  return wordsToDigits(
    text
      .toLowerCase()
      .replace(/\bno one\b/g, "nobody")
      .replace(ONE, "$1"),
  )
    .replace(INTRODUCTION, "")
    .replace(/(?<=\d) out of (?:the |all )?\d+/g, "")
    .replace(/(?<=\d\s*\p{L}*\s*)\((?![^()]*\bor\b)[^()]*\d[^()]*\)/giu, "")
    .replace(/[,;:(]\s*\w+(?: \w+)? (?:(?:on|in|at|per|for|to) )?each\b[^.,;]*/gi, "")
    .replace(/(?<=(?:\d|^|[.,;]) ?of (?:the |all |these |those )?|\bof (?:the|all|these|those) )\d+(?= \p{L})/gu, "")
    .replace(
      /(?<=\b(?:on|at|in|to) )1(?= (?:side|end|hand|corner|row|half)\b)|(?<=\d.*)\b(?:the other|another|1)(?= (?:is|on|in|at|to|near|behind|above|below|under|of|with)\b)/gi,
      "",
    );
}

/** "After eating 2, …", "Of the 5 cars, …": what is said before it is said what there is. */
const INTRODUCTION =
  /(?<=^|[.!?\n]\s*)(?:after|before|if|when|since|because|as|given|of|out of|with|in|from|by|for|at|starting|initially|although|though|while)\b[^,.!?\n]*,\s*(?=[^.!?]*\d)/g;

/** "The orange one", "a fifth one": a thing, and no number. */
const ONE =
  /\b((?:the|an?|this|that|other|another|each|every)(?: (?!number|answer|total|count|hundred|thousand|million)\p{L}+)?) one\b/gu;

/** What comes out: behind "=", "so" or "gives", where a number is. */
function afterEquals(text: string): string {
  // "x = 3 or x = -3" has two results.
  if (/\b([a-z])\s*=[^=]*\b(?:or|and)\s+\1\s*=/i.test(text)) return text;
  const tail = behindLast(RESULT, text);
  return tail !== undefined && quantities(tail).length > 0 ? tail : text;
}

const RESULT =
  /(?<![<>])=|\btotal of|\bi\.e\.,?|\bthat is,|, (?:so|thus|hence|therefore)\b|\b(?:gets?|gives?|yields?|makes?|equals|comes to|amounts to|results? in)(?= (?:us |to |a total of |about )?[\d$-])/gi;
