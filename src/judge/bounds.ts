/** @file What is said of a value: that it is the one, that it is another, or only that it lies on this side of it. */

/** Whether what stands between these two texts is said, and neither denied nor a bound: "not 3", "more than 3", "3 or more". */
export function isAsserted(before: string, after: string): boolean {
  // Both ends of "from 3 to 4" count: none of them is the answer.
  const isRange = /^\s*(?:to|[-–—])\s*\d/.test(after);
  if ((boundBefore.test(before) && !isRange) || boundAfter.test(after) || denies(before)) return false;
  return !deniedAfter.test(after);
}

/** Whether what stands between these two texts is one of several: "15 or 16", "from 3 to 4". */
export function isOneOfSeveral(before: string, after: string): boolean {
  return /^,?\s*(?:or|to|[-–—/])\s*\d/i.test(after) || /\d\S*,?\s*(?:or|to|[-–—/])\s*$/i.test(before);
}

/** Whether a value stands beside an "or" with something that is no number: "4 or something like it", "none, or 4". */
export function hasAlternative(before: string, after: string): boolean {
  return (
    /^(?:\s+\p{L}+)?,?\s+or\s+(?!\D{0,12}\d)/iu.test(after) ||
    /(?:^|(?<!\d[\d\p{L}%°]*(?: \p{L}+)?,?)\s+)or\s+$/iu.test(before)
  );
}

/** Whether a text denies what follows it: "I don't think there are". */
export function denies(before: string): boolean {
  return deniedBefore.test(before.toLowerCase());
}

/** What makes the value behind it a bound, or denies it. */
const boundBefore = new RegExp(
  String.raw`(?:\b(?:${[
    "(?:more|less|\\p{L}+er) than(?: or equal to)?",
    "at (?:the (?:very )?)?(?:least|most)|(?:min|max)(?:imum)?\\.?(?: of)?|as (?:many|few|much|little) as|(?<!\\b(?:add|sum|come)(?:s|ed|med|ing|ming)? )up to|upwards? of|north of|in excess of",
    "exceed(?:s|ing|ed)?|beyond|starting (?:at|from)|short of|shy of|within|inside(?: of)?|no later than",
    "unlike|(?:the )?opposite of|other than|something like|instead of",
    "past|till|twice|double|triple|half of|a fraction of|over|under|above|below|before|after|since|until|(?<!\\b(?:is|are|was|were|dates?|comes?) )from|almost|nearly|barely|approaching",
    "(?:anything|everything|all) but|except(?: for)?|never|hardly|not(?: exactly| just| quite| at| on| in| even)?",
    // The same in Chinese, German, French and Spanish.
    "mindestens|höchstens|mehr als|weniger als|au (?:moins|plus)|(?:plus|moins) de|(?:al menos|como máximo|(?:más|menos) de)",
  ].join(
    "|",
  )})\s|(?:不是|并非|至少|最少|至多|最多|超过|多于|少于|不到|大于|小于)|n['’]t(?: exactly| just| quite| even)?\s|[<>≤≥]=?|\\[gl]eq?\s)\s*(?:an?\s|the\s|about\s)?$`,
  "iu",
);
/** "I don't think there are 3", "I doubt that it is 3". */
const deniedBefore =
  /(?:(?:\b(?:can)?not|n['’]t|\bnever)(?: \w+){0,2} (?:think|believe|see|count|find|say|suppose|agree|have|show|contain)|\bdoubt)\b(?:(?!\bbut\b)[^.,;:!?])*$/;
/** "4 is wrong", "4 is not the answer". */
const deniedAfter =
  /^\W*(?:\p{L}+\s+)?(?:is|are|was|were|seems|looks)(?:(?:\s+not|n['’]t)\s+(?:correct|right|true|it|the)\b|\s+(?:wrong|incorrect|false|untrue)\b)/iu;
/** What makes the value before it a bound. */
const boundAfter = new RegExp(
  String.raw`^(?:(?:\s+\p{L}+)?\s*(?:\+(?!\s*\d)|[ -]plus\b(?!\s*\d)|[<>≤≥]|\.{2,}\s*\d|,?\s+give or take\b|,?\s+if not\b|,?\s+or thereabouts\b|\s+upwards?\b)|,?(?:\s+\p{L}+){0,2},?\s+(?:${[
    String.raw`(?:or|and|if not|maybe|possibly|perhaps) (?:even )?(?:more|less|fewer|greater|larger|higher|lower|above|below|up|over|beyond|better|counting|upwards?|\p{L}+er)`,
    "at (?:the )?(?:(?:very )?(?:least|most)|latest|earliest)|at a (?:min|max)imum|(?:min|max)(?:imum)?|tops",
  ].join("|")})\b|[^.,;]{0,30},?\s(?:plus|and) (?:some|several|a few|many|more|others?|possibly|maybe)\b)`,
  "iu",
);
