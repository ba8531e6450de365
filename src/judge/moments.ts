/** @file Dates and times of day as people write them: "4 July 1776", "July 4th, 1776", "1776-07-04", "3:15 pm". */
import { isAsserted } from "./read-numbers.ts";

/** What a text says of a point in time; parts it does not name are absent. */
interface Moment {
  readonly year?: number;
  /** 1 is January. */
  readonly month?: number;
  readonly day?: number;
  readonly hour?: number;
  readonly minute?: number;
  readonly half?: string;
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const month = String.raw`(?<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?`;
const day = String.raw`(?<day>\d{1,2})(?:st|nd|rd|th)?(?!\d)`;
const year = String.raw`(?<year>\d{4})(?!\d)`;
const FORMS = [
  `${day}(?: of)? ${month}(?:,? ${year})?`,
  `${month} ${day}(?:,? ${year})?`,
  `${month},?(?: of)? ${year}`,
  String.raw`(?<year>\d{4})-(?<number>\d{2})-(?<day>\d{2})(?!\d)`,
  String.raw`(?<hour>\d{1,2}):(?<minute>\d{2})(?![\d:])(?: ?(?<half>[ap])\.?m\b\.?)?`,
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
export function sameMoment(said: string, wanted: Moment): boolean | undefined {
  const stated = momentsIn(said).filter(({ index, length }) =>
    isAsserted(said.slice(0, index), said.slice(index + length)),
  );
  const right = stated.filter(({ moment }) => agrees(moment, wanted)).length;
  return stated.length === 0 || (right > 0 && right < stated.length) ? undefined : right > 0;
}

/** All parts that are wanted are as wanted; morning and afternoon only where both say which. */
function agrees(given: Moment, { half, ...wanted }: Moment): boolean {
  if (half !== undefined && given.half !== undefined && half !== given.half) return false;
  return (Object.keys(wanted) as (keyof typeof wanted)[]).every((part) => given[part] === wanted[part]);
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
  return found
    .filter((one) => !found.some((other) => other.length > one.length && overlaps(one, other)))
    .sort((a, b) => a.index - b.index);
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
}: Readonly<Record<string, string | undefined>>): Moment {
  const of = month === undefined ? number : String(MONTHS.indexOf(month.toLowerCase().slice(0, 3)) + 1);
  const parts = { year, month: of, day, hour, minute };
  const given = Object.entries(parts).flatMap(([part, value]) => (value === undefined ? [] : [[part, Number(value)]]));
  return { ...(Object.fromEntries(given) as Moment), ...(half && { half: half.toLowerCase() }) };
}
