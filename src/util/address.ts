/** @file Tells an address from a path, where only files are read. */

/** Is a text an address, e.g. `https://…`, `s3://…`, `file:…` or `data:…`? */
export function isAddress(text: string): boolean {
  return /^\s*(?:[a-z][a-z0-9+.-]*:\/\/|file:|data:)/i.test(text);
}
