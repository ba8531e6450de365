/** @file Units of measure by their names: which can be compared, and at what rate. */

/** A unit: what it measures, and how many of that measure's base unit it is. */
export interface Unit {
  readonly kind: string;
  readonly factor: number;
}

const lengths: readonly [number, string][] = [
  [0.001, "mm millimeter millimeters millimetre millimetres"],
  [0.01, "cm centimeter centimeters centimetre centimetres"],
  [1, "m meter meters metre metres"],
  [1000, "km kilometer kilometers kilometre kilometres"],
  [0.0254, "in inch inches"],
  [0.3048, "ft foot feet"],
  [0.9144, "yd yard yards"],
  [1609.344, "mi mile miles"],
];
const others: readonly [string, number, string][] = [
  ["mass", 0.001, "mg milligram milligrams"],
  ["mass", 1, "g gram grams"],
  ["mass", 1000, "kg kilogram kilograms"],
  ["mass", 453.59237, "lb lbs pound pounds"],
  ["mass", 28.349523125, "oz ounce ounces"],
  ["time", 0.001, "ms millisecond milliseconds"],
  ["time", 1, "s sec secs second seconds"],
  ["time", 60, "min mins minute minutes"],
  ["time", 3600, "h hr hrs hour hours"],
  ["time", 86_400, "day days"],
  ["time", 604_800, "week weeks"],
  ["calendar", 1, "month months"],
  ["calendar", 12, "year years"],
  ["volume", 0.001, "l liter liters litre litres"],
  ["volume", 0.000001, "ml milliliter milliliters millilitre millilitres"],
  ["speed", 1, "m/s"],
  ["speed", 1 / 3.6, "km/h kmh kph"],
  ["speed", 0.44704, "mph"],
  ["angle", 1, "° degree degrees deg"],
  ["celsius", 1, "°c"],
  ["fahrenheit", 1, "°f"],
  ["share", 0.01, "% percent"],
  ["dollar", 1, "$ dollar dollars usd"],
  ["dollar", 0.01, "¢ cent cents"],
  ["euro", 1, "€ euro euros eur"],
  ["sterling", 1, "£ gbp"],
  ["yen", 1, "¥ yen yuan"],
];

/** Units by each of their names, in lower case. */
export const units: ReadonlyMap<string, Unit> = new Map<string, Unit>([
  ...others.flatMap(([kind, factor, names]) => named({ kind, factor }, names.split(" "))),
  ...lengths.flatMap(([factor, text]) => {
    const names = text.split(" ");
    const powers = (signs: string[], words: string[]) =>
      names.flatMap((name) => [...signs.map((sign) => name + sign), ...words.map((word) => `${word} ${name}`)]);
    return [
      ...named({ kind: "length", factor }, names),
      ...named({ kind: "area", factor: factor ** 2 }, powers(["²", "^2", "^{2}"], ["square", "sq"])),
      ...named({ kind: "volume", factor: factor ** 3 }, powers(["³", "^3", "^{3}"], ["cubic", "cu"])),
    ];
  }),
]);

function named(unit: Unit, names: readonly string[]): [string, Unit][] {
  return names.map((name) => [name, unit]);
}
