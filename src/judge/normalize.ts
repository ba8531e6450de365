/** @file What two texts must share to be the same short answer. */

/** Without the wrappers models like: bold marks, back-ticks, `\boxed{}`, `\text{}`, dollar signs around mathematics. */
export function clean(text: string): string {
  return text
    .replace(/\*\*|`/g, "")
    .replace(/\\(?:boxed|text|mathrm)\{([^{}]*)\}/g, "$1")
    .replace(/\\[dt]?frac\{(\d+)\}\{(\d+)\}/g, "$1/$2")
    .replace(/^\$([^$]+)\$$/, "$1")
    .trim();
}

/** Lower case, compatibility forms folded, no articles, no punctuation between words, single blanks. Plurals stay. */
export function normalize(text: string): string {
  return text
    .normalize("NFKC")
    .toLowerCase()
    .replace(/['’]/g, "")
    .replace(/(?<!\d)[.,](?=\d)|[^\p{L}\p{N}\p{M}.,+%°$-]|[.,](?!\d)|-(?!\d)|(?<=[\p{L}\p{N}])-/gu, " ")
    .replace(/\b(?:a|an|the)\b/g, " ")
    .replace(/\s+/g, " ")
    .trim();
}

/** The sentences and lines of a text. */
export function sentencesOf(text: string): string[] {
  return text.split(/(?<=[.!?])\s+|[\n。]+/).filter((sentence) => sentence.trim() !== "");
}
