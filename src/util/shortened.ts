/** @file A value as messages quote it: a data URI of half a megabyte is no help to anybody. */

/** What a message quotes of one value, in characters. */
const MOST = 160;

/** The text, or its two ends and its length where it is longer than a message can bear; on one line. */
export function shortened(text: string): string {
  const whole = text.length <= MOST;
  const shown = whole ? text : `${text.slice(0, MOST - 40)}…${text.slice(-20)}`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a terminal would obey
  const printable = shown.replace(/[\u0000-\u001f\u007f]/g, (char) => JSON.stringify(char).slice(1, -1));
  return whole ? printable : `${printable} (${text.length.toLocaleString("en-US")} characters)`;
}
