/**
 * @file HTML as values. `html` is a template tag that escapes every value put into it, except what is `Html` already, so
 * that text written by a model can never become markup. The only exception is `trusted`, for our own constants.
 */

/** A piece of finished markup. */
export class Html {
  readonly markup: string;

  constructor(markup: string) {
    this.markup = markup;
  }
}

/** A value in a template: text is escaped, lists are joined, undefined and false are left out. */
export type Content = Html | string | number | undefined | null | false | readonly Content[];

/** Builds markup: `html\`<p title="${text}">${children}</p>\``. Attributes must stand in double quotes. */
export function html(strings: TemplateStringsArray, ...values: Content[]): Html {
  let markup = strings[0]!;
  for (const [i, value] of values.entries()) markup += render(value) + strings[i + 1]!;
  return new Html(markup);
}

/** Markup taken as it is. For constants of this project only: never for a value that came from a file. */
export function trusted(markup: string): Html {
  return new Html(markup);
}

/** Text made safe between tags and inside quoted attributes. Control characters HTML forbids become U+FFFD. */
export function escapeText(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: a byte-level tokenizer can write them
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, "\ufffd")
      .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
  );
}

function render(value: Content): string {
  if (value === undefined || value === null || value === false) return "";
  if (value instanceof Html) return value.markup;
  if (Array.isArray(value)) return value.map(render).join("");
  return escapeText(String(value));
}
