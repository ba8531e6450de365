/**
 * @file Qwen2's byte-level BPE pipeline as data: NFC, a splitting pattern with single digits, bytes written as printable
 * characters. Used where a tokenizer is made rather than read: from `vocab.json` and `merges.txt`, or by training.
 */

/** One token outside the BPE merges, in Hugging Face's `added_tokens` layout. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly single_word: boolean;
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  readonly normalized: boolean;
  readonly special: boolean;
}

/** The parts of `tokenizer.json` that this project reads or writes. */
export interface TokenizerJson {
  readonly added_tokens: readonly AddedToken[];
  readonly model: Readonly<Record<string, unknown>>;
  readonly [key: string]: unknown;
}

/** How Qwen2 cuts text before BPE (its `tokenizer.json`): words with one leading mark or space, single digits, marks, line ends. */
export const QWEN2_SPLIT =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/**
 * The 256 characters that stand for the 256 bytes, by byte (GPT-2's alphabet): printable Latin-1 bytes are themselves,
 * the others follow from U+0100 in order.
 */
export const BYTE_CHARS: readonly string[] = (() => {
  const printable = (byte: number) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
})();

/** `text` as UTF-8 bytes written in `BYTE_CHARS`. */
export function byteChars(text: string): string {
  let out = "";
  for (const byte of Buffer.from(text, "utf8")) out += BYTE_CHARS[byte];
  return out;
}

const BYTE_OF_CHAR = new Map(BYTE_CHARS.map((char, byte) => [char, byte]));

/** The bytes that `byteChars` wrote; a text with other characters, which an added token may have, as UTF-8. */
export function bytesOfChars(text: string): Uint8Array {
  const bytes = Array.from(text, (char) => BYTE_OF_CHAR.get(char));
  return bytes.every((byte) => byte !== undefined) ? Uint8Array.from(bytes) : Buffer.from(text, "utf8");
}

/** The whole `tokenizer.json` of a Qwen2 tokenizer with this vocabulary, these merges in order, and these added tokens. */
export function qwen2TokenizerJson(
  vocab: Readonly<Record<string, number>>,
  merges: readonly (readonly [string, string])[],
  added: readonly AddedToken[],
): TokenizerJson {
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: false };
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: { type: "NFC" },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        { type: "Split", pattern: { Regex: QWEN2_SPLIT }, behavior: "Isolated", invert: false },
        byteLevel,
      ],
    },
    post_processor: byteLevel,
    decoder: byteLevel,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: "",
      end_of_word_suffix: "",
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab,
      merges,
    },
  };
}
