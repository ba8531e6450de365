/** @file Dates and times of day as people write them: "4 July 1776", "July 4th, 1776", "1776-07-04", "3:15 pm". */
import { hasAlternative, isAsserted, isOneOfSeveral } from "./bounds.ts";
import { wordsToDigits } from "./number-words.ts";

/** What a text says of a point in time; parts it does not name are absent. */
interface Moment {
  readonly year?: number;
  /** 1 is January. */
  readonly month?: number;
  readonly day?: number;
  readonly hour?: number;
  readonly minute?: number;
  readonly half?: string;
  /** Day and month of "3/4/1921", in this order or the other. */
  readonly pair?: readonly [number, number];
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const month = String.raw`(?<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?`;
const day = String.raw`(?<day>\d{1,2})(?:st|nd|rd|th)?(?!\d)`;
const year = String.raw`(?<year>\d{4})(?!\d)`;
const FORMS = [
  `${day}(?: of)? ${month}(?:,? ${year})?`,
  `${month} ${day}(?:,? ${year})?`,
  `${month},?(?: of)? ${year}`,
  `${year},? ${month}`,
  String.raw`(?<year>\d{4})-(?<number>\d{2})-(?<day>\d{2})(?!\d)`,
  String.raw`(?<one>\d{1,2})(?<mark>[/.])(?<other>\d{1,2})\k<mark>(?<year>\d{4})(?!\d)`,
  String.raw`(?<hour>\d{1,2}):(?<minute>\d{2})(?::\d{2})?(?![\d:])(?: ?(?<half>[ap])\.?m\b\.?)?`,
].map((form) => new RegExp(String.raw`(?<![\p{L}\p{N}:.-])${form}`, "giu"));

/** The moment that a whole text is; undefined when it is more or other than that. */
export function asMoment(text: string): Moment | undefined {
  const bare = text.trim().replace(/\.$/, "");
  const [found] = momentsIn(bare);
  return found && found.length === bare.length ? found.moment : undefined;
}

/**
 * Whether a text says that it is the wanted moment, which may name fewer parts; undefined where it names none, only bounds of it
 * ("before 1776-07-04"), or several.
 */
export function sameMoment(text: string, wanted: Moment): boolean | undefined {
  const said = wanted.hour === undefined ? text : withTimesInDigits(text);
  const found = momentsIn(said).map((each) => ({
    ...each,
    around: [said.slice(0, each.index), said.slice(each.index + each.length)] as const,
  }));
  if (found.some(({ around }) => isOneOfSeveral(...around) || hasAlternative(...around))) return undefined;
  const stated = found.filter(({ around }) => isAsserted(...around));
  const right = stated.filter(({ moment }) => agrees(moment, wanted)).length;
  return stated.length === 0 || (right > 0 && right < stated.length) ? undefined : right > 0;
}

/** All parts that are wanted are as wanted; morning and afternoon only where both say which. */
function agrees(given: Moment, wanted: Moment): boolean {
  const { half, hour, pair, ...parts } = wanted;
  const [one, other] = pair ?? given.pair ?? [];
  if (one !== undefined) {
    const { day, month } = pair ? given : wanted;
    const isSame = (day === one && month === other) || (day === other && month === one);
    return (isSame || String(pair) === String(given.pair)) && given.year === wanted.year;
  }
  if (hour !== undefined && !sameHour(given, wanted)) return false;
  return (Object.keys(parts) as (keyof typeof parts)[]).every((part) => given[part] === parts[part]);
}

/** 15:00 is 3 pm, and may be what a clock shows that points to 3; 3 does not say that it is 15:00. */
function sameHour(given: Moment, wanted: Moment): boolean {
  if (given.hour === undefined) return false;
  const [said, right] = [given, wanted].map(({ hour, half }) => (hour! % 12) + (half === "p" || hour! > 12 ? 12 : 0));
  // Morning and afternoon are one where one of the two does not say which.
  const isOpen = [given, wanted].some(
    (each) => each.half === undefined && each.hour! <= 12 && (each === wanted || wanted.half !== undefined),
  );
  return said === right || (isOpen && said! % 12 === right! % 12);
}

/** "Quarter to eight", "half past 3", "ten past four", "7 o'clock", "5 pm", "seven forty-five", "noon" as 7:45, 3:30, 4:10 and so on. */
function withTimesInDigits(text: string): string {
  const time = (hour: number, minute: number) => `${hour}:${String(minute).padStart(2, "0")}`;
  return wordsToDigits(text.toLowerCase())
    .replace(
      /((?:a )?quarter|half|1\/[42]|\d{1,2})(?: minutes?)? (past|after|to|till|before) (\d{1,2})(?![\d:]|\.\d)/g,
      (_, part: string, side, of) => {
        const minute = /quarter|1\/4/.test(part) ? 15 : /half|1\/2/.test(part) ? 30 : Number(part);
        const hour = Number(of);
        return side === "past" || side === "after" ? time(hour, minute) : time(hour === 1 ? 12 : hour - 1, 60 - minute);
      },
    )
    .replace(
      /(?<![\d:.])(\d{1,2})(?: o['’]?clock|(?= ?[ap]\.?m\b| in the (?:morning|afternoon|evening)| at night))/g,
      "$1:00",
    )
    .replace(/(?<![\d:./])(\d{1,2})[ .]([0-5]\d)(?![\d:.%/])/g, "$1:$2")
    .replace(
      /(\d:\d{2}) (?:o['’]?clock )?(?:in the (morning|afternoon|evening)|at (night))/g,
      (_, at, day) => `${at} ${day === "morning" ? "am" : "pm"}`,
    )
    .replace(/\b(?:noon|midday|midnight)\b/g, "12:00");
}

interface Found {
  readonly moment: Moment;
  readonly index: number;
  readonly length: number;
}

/** The moments that a text names, each by the form that reads most of it. */
function momentsIn(text: string): Found[] {
  const found = FORMS.flatMap((form) => [...text.matchAll(form)]).map((match) => ({
    moment: toMoment(match.groups!),
    index: match.index,
    length: match[0].replace(/[\s.]+$/, "").length,
  }));
  const apart = found
    .filter((one) => !found.some((other) => other.length > one.length && overlaps(one, other)))
    .sort((a, b) => a.index - b.index);
  const joined: Found[] = [];
  for (const next of apart) {
    const last = joined.at(-1);
    if (last === undefined || !isOneWith(last, next, text)) joined.push(next);
    else {
      const length = next.index + next.length - last.index;
      joined[joined.length - 1] = { moment: { ...last.moment, ...next.moment }, index: last.index, length };
    }
  }
  return joined;
}

/** "10:15 on 3 May" is one moment. */
function isOneWith(a: Found, b: Found, text: string): boolean {
  const between = text.slice(a.index + a.length, b.index);
  const isWhole = (["day", "hour"] as const).every(
    (part) => (a.moment[part] === undefined) !== (b.moment[part] === undefined),
  );
  return isWhole && /^\.?,?\s*(?:on|at)?\s*(?:the )?$/i.test(between);
}

function overlaps(a: Found, b: Found): boolean {
  return a.index < b.index + b.length && b.index < a.index + a.length;
}

function toMoment({
  year,
  month,
  number,
  day,
  hour,
  minute,
  half,
  one,
  other,
}: Readonly<Record<string, string | undefined>>): Moment {
  const of = month === undefined ? number : String(MONTHS.indexOf(month.toLowerCase().slice(0, 3)) + 1);
  const parts = { year, month: of, day, hour, minute };
  const given = Object.entries(parts).flatMap(([part, value]) => (value === undefined ? [] : [[part, Number(value)]]));
  return {
    ...(Object.fromEntries(given) as Moment),
    ...(half && { half: half.toLowerCase() }),
    ...(one && { pair: [Number(one), Number(other)] as const }),
  };
}
