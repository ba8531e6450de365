/** @file What two texts must share to be the same short answer. */

/**
 * Without the wrappers models like, one inside the other too: `{"answer": …}`, tags, marks of emphasis, back-ticks, quotes around all of it,
 * `\boxed{}`, `\text{}`, dollar signs and brackets around mathematics, full-width letters and marks.
 */
export function clean(text: string): string {
  const fractions = text
    .replace(/[\uff01-\uff5e]/g, (char) => char.normalize("NFKC"))
    .replace(/\*\*|`|\\[()[\]]|<\/?[a-z]\w*>/g, "")
    .replace(/(?<=\d)\\,(?=\d{3}(?!\d))/g, "")
    .replace(/\\(?:[,;: ]|q?quad\b)/g, " ")
    .replace(/\\sqrt\s*(?:\{([^{}]*)\}|(\d))/g, "√$1$2")
    .replace(/\\pi\b\s*/g, "π")
    // Not the sign of a product.
    .replace(/(?<![^\s([{"'])[*_]+(?=[^\s*_])|(?<=[^\s*_])[*_]+(?=[\s.,;:!?)\]}"']|$)/g, "")
    .replace(/(\d?)\s*\\[dt]?frac\s*(?:\{(\d+)\}|(\d))\s*(?:\{(\d+)\}|(\d))/g, (_, whole, a, a1, b, b1) =>
      [whole, `${a ?? a1}/${b ?? b1}`].join(whole ? " " : ""),
    );
  return (
    unwrapped(fractions)
      // Not the dollars of "$5-$6", between which a price ends.
      .replace(/\$(?!\s)([^$\n]*[^$\s-])\$(?!\d)/g, "$1")
      .trim()
      .replace(/^\{\s*["']?(?:final[ _]?)?answer["']?\s*:\s*([^{}]*?)\s*\}$/i, "$1")
      .replace(/^(["'“‘«])([^"'“”‘’«»]*)["'”’»]\.?$/, "$2")
  );
}

function unwrapped(text: string): string {
  const once = text.replace(/\\(?:boxed|text|textbf|mathrm|mathbf|mbox)\s*\{([^{}]*)\}/g, "$1");
  return once === text ? text : unwrapped(once);
}

/** Lower case, compatibility forms folded, no articles, no punctuation between words but "> 4", single blanks. Plurals stay. */
export function normalize(text: string): string {
  return text
    .normalize("NFKC")
    .toLowerCase()
    .replace(/['’]/g, "")
    .replace(
      /(?<!\d)[.,](?=\d)|(?![<>≤≥]\s*=?\s*[$€£¥]?\d|(?<=\d\s?)[<>≤≥])[^\p{L}\p{N}\p{M}.,+%°$√-]|[.,](?!\d)|-(?![\d√])|(?<=[\p{L}\p{N}])-/gu,
      " ",
    )
    .replace(/\b(?:a|an|the)\b/g, " ")
    .replace(/\s+/g, " ")
    .trim();
}

const CONTRACTIONS: readonly (readonly [RegExp, string])[] = [
  [/['’]/g, "'"],
  [/\b(?:can'?t|cannot)\b/g, "can not"],
  [/\bwon't\b/g, "will not"],
  [/(?<=\b(?:do|does|did|is|are|was|were|has|have|had|could|would|should|need))n'?t\b/g, " not"],
  [/(?<=\w)'(?:s|re|m|ve|d|ll)?(?!\w)/g, " "],
];

/** The words of a text in lower case, contractions opened: "isn't" is "is not". Of "it's" and "the dog's" the "s" is left out. */
export function wordsOf(text: string): string[] {
  const open = CONTRACTIONS.reduce(
    (said, [form, words]) => said.replace(form, words),
    text.normalize("NFKC").toLowerCase(),
  );
  return open.match(/[\p{L}\p{N}\p{M}]+/gu) ?? [];
}

/** The words of each clause: marks part clauses, and nothing else does. */
export function clausesOf(text: string): string[][] {
  return text.split(/(?<!\d)[.,]|[.,](?!\d)|[;:!?()\n—–。，]|\s-\s/).map(wordsOf);
}

/** The sentences and lines of a text. */
export function sentencesOf(text: string): string[] {
  return text.split(/(?<=[.!?])\s+|[\n。]+/).filter((sentence) => sentence.trim() !== "");
}
