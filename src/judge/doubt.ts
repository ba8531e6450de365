/**
 * @file What leaves a question open. A sentence wavers ("maybe", "I am not sure"), abstains ("I cannot tell", "not enough information"),
 * or says that something cannot be made out. Each is put together, clause by clause, from a few closed classes of words.
 */
import { isFunctionWord } from "./content-words.ts";
import { clausesOf, wordsOf } from "./normalize.ts";

const set = (...lists: string[]): ReadonlySet<string> => new Set(lists.join(" ").split(" "));

const NOT = set("not never nothing nobody none neither nor");
/** Possibility, and opinion that is no more than that. */
const MAYBE = set(
  "maybe perhaps possibly potentially conceivably presumably supposedly probably likely unlikely might depends depending",
  "possibility possibilities plausible plausibly conceivable arguably tentatively tentative otherwise",
  "speculating speculation speculative candidate candidates",
);
/** Ignorance in a word. */
const UNSURE = set(
  "unsure uncertain unclear unknown undetermined undecided undefined ambiguous inconclusive indeterminate debatable doubtful",
  "dunno guess guesses guessing suppose presume assume bet inclined hesitate tempted",
);
/** "It may be" is a possibility; May is also a month, and what one could do an ability. */
const MODAL = set("may could");
/** "B if it is wet" has a condition. */
const AS_IF = set("as even know tell sure so that then and but because");
const POSSIBLE = set(" that it");
const BEING = set("be have also well or not contain show go indicate represent");
/** What someone lacks who is not sure, and an answer that is not clear. */
const CERTAIN = set(
  "sure certain certainty confident confidence convinced know knows known clear obvious evident whether",
  "necessarily quote given stated specified mentioned available applicable answerable determinable",
);
const VISIBLE = set("visible shown legible readable discernible recognizable recognisable");
const CLEARLY = set("clearly properly well enough fully completely entirely wholly");
const ABLE = set("can could able possible enough sufficient sufficiently position will would rather prefer");
const UNABLE = set("unable impossible infeasible");
const HARD = set("hard difficult tough tricky too");
const PERCEIVE = set(
  "see seen find found spot detect read make discern view count distinguish recognize recognise locate",
);
const TELL = set(
  "tell telling told say said know known knowing determine determined determining answer answered decide decided judge judged",
  "confirm confirmed verify verified identify identified assess conclude infer inferred estimate establish ascertain deduce",
  "access analyze analyse interpret evaluate calculate compute measure provide help assist comply rule ruled exclude excluded choose pick specify quantify",
);
/** What an answer is made of, and how one says that it is missing. */
const FACTS = set("information info context detail details data idea clue answer comment opinion response evidence");
const LACK = set("no insufficient without lack lacks need needs requires");
/** What follows a "no" that is an answer: "no is the answer". */
const OF_NO = set("is was would must should");
const SUPPLY = set("enough sufficient have provide provided any");
/** "No telling", "no way to tell", "no way of knowing". */
const TELLING = set("telling saying knowing determining");
const WAY = set("to of that");
const IMAGE = set("image images picture photo");
const REFUSE = set("apologize insufficient unanswerable");
/** What a speaker does who gives no answer; sales decline too. */
const DECLINE = set("refuse decline");
/** "Some would say". */
const SOME = set("some people others one");
const MODAL_VERBS = set("would might may could");
const SAYING = set("say argue call think");
const LITTLE = set("low little moderate some medium");
const SILENT = set("say tell");
const UNTOLD = set("mention mentions state states specify specifies indicate indicates reveal reveals disclose");
const TOWARDS = set("toward towards to");
/** "I would need to see it"; what a derivation needs to find or count is another matter. */
const LOOK = set("see view");
const NEED = set("need needs have");
const TO = set("to");
/** "It is hard to see, but there are four." */
const CONCEDE = set("but although though while however still yet despite");

/** Whether a sentence wavers: it is possible, or its speaker is unsure. */
export function wavers(sentence: string, question = ""): boolean {
  const asked = wordsOf(question);
  const isPossible = clausesOf(sentence).some((words) =>
    words.some(
      (word, i) =>
        (MAYBE.has(word) && !asked.includes(word)) ||
        // "It is possible that", but not "the possible outcomes"; "there is a chance", but not "a 30 % chance".
        (word === "possible" && POSSIBLE.has(words[i + 1] ?? "")) ||
        (word === "chance" &&
          (words[i + 1] === "that" || !(asked.includes(word) || words.slice(0, i).some((each) => /^\d/.test(each))))) ||
        (MODAL.has(word) && BEING.has(words[i + 1] ?? "")) ||
        (word === "if" && i > 0 && !AS_IF.has(words[i - 1]!)),
    ),
  );
  return isPossible || isUnsure(sentence, question);
}

/** Whether a sentence says that it is not sure. A word that the question asks with is no doubt of its subject: "The sky is not clear." */
export function isUnsure(sentence: string, question = ""): boolean {
  const asked = wordsOf(question);
  return clausesOf(sentence).some((words) => {
    const denied = words.findIndex(
      (word, i) => NOT.has(word) || UNABLE.has(word) || (HARD.has(word) && words.includes("to", i)),
    );
    // "The label doesn't say."
    if (denied >= 0 && SILENT.has(words.at(-1)!) && !asked.includes(words.at(-1)!)) return true;
    if (words.some((word, i) => UNTOLD.has(word) && !asked.includes(word) && words.slice(0, i).some(isNo))) return true;
    if (inOrder(words, SOME, MODAL_VERBS, SAYING)) return true;
    const isOfSubject = words
      .slice(0, Math.max(0, denied))
      .some((word) => !isFunctionWord(word) && asked.includes(word));
    return words.some((word, i) => {
      const before = words[i - 1] ?? "";
      if (UNSURE.has(word)) return true;
      if (word === "doubt") return !["no", "without", "beyond", "a", "any"].includes(before);
      if (word === "knows" && before === "who") return true;
      if (word === "confidence") return LITTLE.has(before);
      // "I'm leaning towards B"; a ladder leans against a wall.
      if (word.startsWith("lean")) return i === 0 || TOWARDS.has(words[i + 1] ?? "");
      if (word === "again") return before === "then";
      if (!CERTAIN.has(word) || denied < 0 || denied > i) return false;
      return !(isOfSubject && asked.includes(word));
    });
  });
}

/** Whether a sentence says that there is no answer, or refuses to give one. */
export function abstains(sentence: string): boolean {
  if (/^\W*n\/a\b|\bas an ai\b/i.test(sentence)) return true;
  return clausesOf(sentence).some(
    (words) =>
      words.some((word, i) => REFUSE.has(word) || (DECLINE.has(word) && words.slice(0, i).includes("i"))) ||
      words.some(
        (word, i) => LACK.has(word) && !OF_NO.has(words[i + 1] ?? "") && words.slice(i + 1, i + 4).some(isFact),
      ) ||
      inOrder(words, NOT, SUPPLY, FACTS) ||
      words.some(
        (word, i) => words[i - 1] === "no" && (TELLING.has(word) || (word === "way" && WAY.has(words[i + 1]!))),
      ) ||
      inOrder(words, NEED, TO, LOOK) ||
      fails(words, TELL) ||
      (fails(words, PERCEIVE) && IMAGE.has(words.at(-1)!)),
  );
}

const isNo = (word: string) => NOT.has(word) || word === "no";
const isFact = (word: string) => FACTS.has(word) && word !== "evidence";

/** Whether a sentence says that what is asked about cannot be made out: "I can't see the lamp", "the clock is not shown". */
export function cannotSee(sentence: string, question = ""): boolean {
  const clauses = clausesOf(sentence);
  const isConceded = clauses.flat().some((word) => CONCEDE.has(word));
  return clauses.some(
    (words) =>
      (fails(words, PERCEIVE) &&
        !ASKS_FOR_SIGHT.test(question) &&
        !(isConceded && words.some((word) => HARD.has(word)))) ||
      (inOrder(words, NOT, CLEARLY) && words.some((word) => VISIBLE.has(word) || PERCEIVE.has(word))) ||
      (!EXISTENTIAL.test(question) && inOrder(words, NOT, VISIBLE)),
  );
}

/** Questions to which "I can't see it" is an answer. */
const ASKS_FOR_SIGHT =
  /\b(?:can|could) (?:you|we|one|i)\b.*\b(?:see|find|spot|read|make out)\b|\b(?:visible|legible|readable)\b/i;
/** Questions to which "it is not visible" is an answer. */
const EXISTENTIAL =
  /\b(?:is|are|was|were) there\b|\b(?:see|seen|visible|shown?|contain|present|appear|legible|readable)\b/i;

/** Whether someone is kept from what one of the verbs says: "cannot", "not able to", "hard to", "too dark to". */
function fails(words: readonly string[], verbs: ReadonlySet<string>): boolean {
  let [unable, hard, hardTo, denied, able] = [false, false, false, false, false];
  for (const [i, word] of words.entries()) {
    if (verbs.has(word) && (unable || hardTo || (denied && able))) return true;
    unable ||= UNABLE.has(word);
    hardTo ||= hard && word === "to";
    hard ||= HARD.has(word);
    denied ||= NOT.has(word) || (word === "no" && verbs === TELL && !OF_NO.has(words[i + 1] ?? ""));
    able ||= ABLE.has(word);
  }
  return false;
}

/** Whether words of these classes come in this order. */
function inOrder(words: readonly string[], ...classes: readonly ReadonlySet<string>[]): boolean {
  let next = 0;
  for (const word of words) if (classes[next]?.has(word)) next++;
  return next === classes.length;
}
