/** @file A key that an object in a JSON text has twice: JSON.parse takes the last, other readers the first. */

/** The first key that one object of a valid JSON `text` repeats, or undefined. */
export function duplicateKey(text: string): string | undefined {
  /** The keys so far of each object around the place, innermost last; an array has none. */
  const open: (Set<string> | undefined)[] = [];
  let isKey = false;
  for (let i = 0; i < text.length; i++) {
    switch (text[i]) {
      case "{":
        open.push(new Set());
        isKey = true;
        break;
      case "[":
        open.push(undefined);
        isKey = false;
        break;
      case "}":
      case "]":
        open.pop();
        break;
      case ",":
        isKey = open.at(-1) !== undefined;
        break;
      case '"': {
        const end = endOfString(text, i);
        if (isKey) {
          const written = text.slice(i + 1, end);
          const key = written.includes("\\") ? (JSON.parse(`"${written}"`) as string) : written;
          const keys = open.at(-1)!;
          if (keys.has(key)) return key;
          keys.add(key);
          isKey = false;
        }
        i = end;
        break;
      }
    }
  }
  return undefined;
}

/** Where the string that begins at `start` ends. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); ; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text[end - 1 - slashes] === "\\") slashes++;
    if (slashes % 2 === 0) return end;
  }
}
