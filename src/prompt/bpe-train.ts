/**
 * @file Training a small byte-level BPE tokenizer in Qwen2's format (Sennrich et al. 2016: merge the most frequent pair,
 * again and again). Deterministic: of equally frequent pairs the one with smaller ids comes first.
 */

import { type AddedToken, BYTE_CHARS, byteChars, qwen2TokenizerJson, type TokenizerJson } from "./byte-level.ts";
import { QWEN_VL_TEMPLATE } from "./template.ts";

/** Qwen2.5-VL's special tokens, in the order of their ids. */
export const QWEN_VL_SPECIAL_TOKENS = [
  "<|endoftext|>",
  "<|im_start|>",
  "<|im_end|>",
  "<|object_ref_start|>",
  "<|object_ref_end|>",
  "<|box_start|>",
  "<|box_end|>",
  "<|quad_start|>",
  "<|quad_end|>",
  "<|vision_start|>",
  "<|vision_end|>",
  "<|vision_pad|>",
  "<|image_pad|>",
  "<|video_pad|>",
] as const;

/** A trained tokenizer: the contents of its two files. */
export interface TrainedTokenizer {
  readonly tokenizerJson: TokenizerJson;
  readonly tokenizerConfig: Readonly<Record<string, unknown>>;
}

/** `QWEN2_SPLIT` in JavaScript's dialect, which has no inline `(?i:)` on Node 20. */
const SPLIT =
  /'(?:[sStTmMdD]|[rR][eE]|[vV][eE]|[lL][lL])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+/gu;

/**
 * Learns merges from `corpus` until every piece of it (a word with its leading space, a run of marks) is one token, or
 * the vocabulary has `maxVocab` entries (256 bytes, merges, 14 special tokens). `modelMaxLength` is written to the config.
 */
export function trainTokenizer(
  corpus: Iterable<string>,
  { maxVocab, modelMaxLength = 32768 }: { maxVocab: number; modelMaxLength?: number },
): TrainedTokenizer {
  const tokens = [...BYTE_CHARS].sort();
  const merges = learnMerges(countPieces(corpus), tokens, maxVocab - QWEN_VL_SPECIAL_TOKENS.length);
  const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
  const added = specialTokens(QWEN_VL_SPECIAL_TOKENS, tokens.length);
  return {
    tokenizerJson: qwen2TokenizerJson(vocab, merges, added),
    tokenizerConfig: {
      add_bos_token: false,
      add_prefix_space: false,
      ...listed(added),
      bos_token: null,
      chat_template: QWEN_VL_TEMPLATE,
      clean_up_tokenization_spaces: false,
      eos_token: "<|im_end|>",
      errors: "replace",
      model_max_length: modelMaxLength,
      pad_token: "<|endoftext|>",
      processor_class: "Qwen2_5_VLProcessor",
      split_special_tokens: false,
      tokenizer_class: "Qwen2Tokenizer",
      unk_token: null,
    },
  };
}

/** The tokenizer with further special tokens, whose ids follow those it has. */
export function withSpecialTokens(
  { tokenizerJson, tokenizerConfig }: TrainedTokenizer,
  contents: readonly string[],
): TrainedTokenizer {
  const next = Math.max(...tokenizerJson.added_tokens.map(({ id }) => id)) + 1;
  const added = [...tokenizerJson.added_tokens, ...specialTokens(contents, next)];
  return {
    tokenizerJson: { ...tokenizerJson, added_tokens: added },
    tokenizerConfig: { ...tokenizerConfig, ...listed(added) },
  };
}

function specialTokens(contents: readonly string[], firstId: number): AddedToken[] {
  return contents.map((content, i) => ({
    id: firstId + i,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }));
}

/** How `tokenizer_config.json` names the special tokens; the first pads, and is listed apart. */
function listed(added: readonly AddedToken[]): Readonly<Record<string, unknown>> {
  return {
    added_tokens_decoder: Object.fromEntries(added.map(({ id, ...fields }) => [String(id), fields])),
    additional_special_tokens: added.slice(1).map(({ content }) => content),
  };
}

/** How often each piece occurs in the corpus. */
function countPieces(corpus: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const line of corpus)
    for (const [piece] of line.normalize("NFC").matchAll(SPLIT)) counts.set(piece, (counts.get(piece) ?? 0) + 1);
  return counts;
}

interface Word {
  ids: number[];
  readonly count: number;
}

interface Pair {
  readonly left: number;
  readonly right: number;
  count: number;
  /** Words that contained the pair; later merges may have removed it. */
  readonly words: Set<Word>;
}

/** Merges in order of learning; each merge's token is appended to `tokens`, which grows to at most `limit`. */
function learnMerges(pieces: ReadonlyMap<string, number>, tokens: string[], limit: number): [string, string][] {
  const idOf = new Map(tokens.map((token, id) => [token, id]));
  const pairs = new Map<number, Pair>();
  const tally = (word: Word, sign: 1 | -1) => {
    for (let i = 0; i + 1 < word.ids.length; i++) {
      const [left, right] = [word.ids[i]!, word.ids[i + 1]!];
      const key = left * 2 ** 24 + right;
      const pair = pairs.get(key) ?? { left, right, count: 0, words: new Set() };
      pairs.set(key, pair);
      pair.count += sign * word.count;
      if (sign === 1) pair.words.add(word);
    }
  };
  for (const [piece, count] of pieces) tally({ ids: [...byteChars(piece)].map((char) => idOf.get(char)!), count }, 1);

  const merges: [string, string][] = [];
  while (tokens.length < limit) {
    const best = mostFrequent(pairs.values());
    if (best === undefined) break;
    const token = tokens[best.left]! + tokens[best.right]!;
    merges.push([tokens[best.left]!, tokens[best.right]!]);
    // Two different pairs can spell the same token ("a" + "bc", "ab" + "c"): the second merge leads to the first's id.
    const merged = idOf.get(token) ?? tokens.push(token) - 1;
    idOf.set(token, merged);
    for (const word of best.words) {
      tally(word, -1);
      word.ids = mergePair(word.ids, best, merged);
      tally(word, 1);
    }
    pairs.delete(best.left * 2 ** 24 + best.right);
  }
  return merges;
}

function mostFrequent(pairs: Iterable<Pair>): Pair | undefined {
  let best: Pair | undefined;
  for (const pair of pairs) {
    if (pair.count <= 0) continue;
    if (best !== undefined) {
      if (pair.count < best.count) continue;
      if (pair.count === best.count && (pair.left - best.left || pair.right - best.right) > 0) continue;
    }
    best = pair;
  }
  return best;
}

function mergePair(ids: readonly number[], pair: Pair, merged: number): number[] {
  const out: number[] = [];
  for (let i = 0; i < ids.length; i++) {
    if (ids[i] === pair.left && ids[i + 1] === pair.right) {
      out.push(merged);
      i++;
    } else out.push(ids[i]!);
  }
  return out;
}
