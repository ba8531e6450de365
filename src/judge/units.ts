/** @file Units of measure by their names: which can be compared, and at what rate. */

/** A unit: what it measures, and how many of that measure's base unit it is. */
export interface Unit {
  readonly kind: string;
  readonly factor: number;
}

const NAMES: readonly [kind: string, factor: number, names: string][] = [
  ["length", 0.001, "mm millimeter millimeters millimetre millimetres"],
  ["length", 0.01, "cm centimeter centimeters centimetre centimetres"],
  ["length", 1, "m meter meters metre metres"],
  ["length", 1000, "km kms kilometer kilometers kilometre kilometres"],
  ["length", 0.0254, "in inch inches"],
  ["length", 0.3048, "ft foot feet"],
  ["length", 0.9144, "yd yard yards"],
  ["length", 1609.344, "mi mile miles"],
  ["mass", 0.001, "mg milligram milligrams"],
  ["mass", 1, "g gram grams"],
  ["mass", 1000, "kg kgs kilo kilos kilogram kilograms"],
  ["mass", 1e6, "tonne tonnes"],
  ["mass", 453.59237, "lb lbs pound pounds"],
  ["mass", 28.349523125, "oz ounce ounces"],
  ["time", 0.001, "ms millisecond milliseconds"],
  ["time", 1, "s sec secs second seconds"],
  ["time", 60, "min mins minute minutes"],
  ["time", 3600, "h hr hrs hour hours"],
  ["time", 86_400, "day days"],
  ["time", 604_800, "week weeks"],
  ["calendar", 1, "month months"],
  ["calendar", 12, "year years yr yrs"],
  ["length^2", 1e4, "ha hectare hectares"],
  ["length^2", 4046.8564224, "acre acres"],
  ["length^3", 0.001, "l liter liters litre litres"],
  ["length^3", 0.000001, "ml milliliter milliliters millilitre millilitres"],
  ["length/time", 1 / 3.6, "kmh kph"],
  ["length/time", 0.44704, "mph"],
  ["angle", 1, "° degree degrees deg"],
  ["angle", 180 / Math.PI, "rad radian radians"],
  ["celsius", 1, "°c c"],
  ["fahrenheit", 1, "°f f"],
  ["share", 0.01, "% percent"],
  ["dollar", 1, "$ dollar dollars usd"],
  ["dollar", 0.01, "¢ cent cents"],
  ["euro", 1, "€ euro euros eur"],
  ["sterling", 1, "£ gbp"],
  ["yen", 1, "¥ yen yuan"],
  ["energy", 1, "j joule joules"],
  ["energy", 1000, "kj kilojoule kilojoules"],
  ["energy", 4184, "kcal"],
  ["power", 1, "w watt watts"],
  ["power", 1000, "kw kilowatt kilowatts"],
  ["force", 1, "n newton newtons"],
  ["voltage", 1, "v volt volts"],
  ["current", 1, "amp amps ampere amperes"],
  ["resistance", 1, "ω ohm ohms"],
  ["pressure", 1, "pa pascal pascals"],
  ["pressure", 1000, "kpa"],
  ["pressure", 1e5, "bar bars"],
  ["frequency", 1, "hz hertz"],
  ["frequency", 1000, "khz kilohertz"],
  ["frequency", 1e6, "mhz megahertz"],
  ["frequency", 1e9, "ghz gigahertz"],
  ["data", 1e6, "mb megabyte megabytes"],
  ["data", 1e9, "gb gigabyte gigabytes"],
  ["data", 1e12, "tb terabyte terabytes"],
  ["screen", 1, "px pixel pixels"],
];

const SIMPLE = new Map<string, Unit>(
  NAMES.flatMap(([kind, factor, names]) => names.split(" ").map((name) => [name, { kind, factor }] as const)),
);
const anyOf = (names: string[]) =>
  `(?:${names
    .sort((a, b) => b.length - a.length)
    .map((name) => name.replace(/\$/, "\\$"))
    .join("|")})`;
const name = anyOf([...SIMPLE.keys()]);
const length = anyOf([...SIMPLE].flatMap(([each, { kind }]) => (kind === "length" ? [each] : [])));
const term = String.raw`(?:(?:square|sq\.?|cubic|cu\.?) ${length}(?!\p{L})|${length}(?:\^\{?[23]\}?|[²³])|${name})`;

/** What a unit looks like in lower case: a name, a power of a length, or one by another: `m`, `cm^2`, `square feet`, `km/h`, `miles per hour`. */
export const UNIT = String.raw`${term}(?:(?:\s?\/\s?|\s+per\s+|\s+an?\s+(?=hour|minute|second|day|month|year))${term}(?![\p{L}\p{N}]))?`;

/** The unit that a text of that form is, or a letter. */
export function unitOf(text: string): Unit | undefined {
  const [over, under] = text.split(/\s?\/\s?|\s+(?:per|an?)\s+/).map(termOf);
  // A letter that is no known unit is one all the same: "9 A" is no 9 V.
  if (over === undefined && text.length === 1) return { kind: text, factor: 1 };
  // "1.2 % a year" is a share.
  if (over?.kind === "share") return over;
  return over && under ? { kind: `${over.kind}/${under.kind}`, factor: over.factor / under.factor } : over;
}

function termOf(text: string): Unit | undefined {
  const [, word, base, sign] = /^(?:(square|sq|cubic|cu)\.? )?(.*?)(?:\^?\{?([23²³])\}?)?$/.exec(text)!;
  const unit = SIMPLE.get(base!);
  const power = word ? (word.startsWith("s") ? 2 : 3) : sign === "2" || sign === "²" ? 2 : sign ? 3 : 1;
  return unit && power > 1 ? { kind: `${unit.kind}^${power}`, factor: unit.factor ** power } : unit;
}
