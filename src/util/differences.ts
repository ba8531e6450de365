/** @file Compares two nested values leaf by leaf, e.g. two recipes or two manifests. */

/** A leaf that is not the same on both sides, as JSON; null where a side lacks it. */
export interface Difference {
  /** Dotted, e.g. `optimizer.lr`. */
  readonly key: string;
  readonly from: string | null;
  readonly to: string | null;
}

/** The leaves in which two values differ, in the order of the first. */
export function differences(from: unknown, to: unknown): Difference[] {
  const [before, after] = [leaves(from), leaves(to)];
  const keys = [...new Set([...before.keys(), ...after.keys()])].filter((key) => before.get(key) !== after.get(key));
  return keys.map((key) => ({ key, from: before.get(key) ?? null, to: after.get(key) ?? null }));
}

/** The leaves of a nested value as JSON, by their dotted keys. */
function leaves(value: unknown, key = ""): Map<string, string> {
  if (typeof value !== "object" || value === null) return new Map([[key, JSON.stringify(value) ?? "null"]]);
  return new Map(Object.entries(value).flatMap(([name, inner]) => [...leaves(inner, key ? `${key}.${name}` : name)]));
}

/** Longest value that is shown whole. */
const SHOWN = 60;

/** `key: 1 there, 2 now`, for a message that refuses what was made with other settings. */
export function thereAndNow(difference: Difference): string {
  const [there, now] = excerpts(difference);
  return `${difference.key}: ${there} there, ${now} now`;
}

/** Both sides, short enough for a line: a long value is cut to the place where they differ. */
export function excerpts({ from, to }: Difference): [string, string] {
  const [a, b] = [from ?? "nothing", to ?? "nothing"];
  let same = 0;
  while (same < a.length && a[same] === b[same]) same++;
  const start = Math.max(a.length, b.length) > SHOWN ? Math.max(0, same - 10) : 0;
  const cut = (text: string) => {
    const end = start + SHOWN;
    return `${start > 0 ? "…" : ""}${text.slice(start, end)}${text.length > end ? "…" : ""}`;
  };
  return [cut(a), cut(b)];
}
