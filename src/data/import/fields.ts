/** @file The kinds of fields in benchmarks' rows; each says in a phrase what is wrong with a value. */
import { z } from "zod";
import { shortened } from "../../util/shortened.ts";
import type { ImageSource } from "./benchmark.ts";

function expected(what: string) {
  return ({ input }: { readonly input?: unknown }) => (input === undefined ? "is missing" : `is not ${what}`);
}

/** Text with something in it. */
export const text = z.string({ error: expected("text") }).regex(/\S/, "is empty");

/** An identifier, whether written as a number or as text. */
export const identifier = z.union([text, z.int()], { error: expected("a name or a number") }).transform(String);

/** One of the names given. */
export function oneOf<const T extends readonly string[]>(...names: T) {
  return z.enum(names, {
    error: ({ input }) =>
      input === undefined ? "is missing" : `${shortened(JSON.stringify(input))} is not one of ${names.join(", ")}`,
  });
}

/** `yes` or `no`, in any case. */
export const yesOrNo = text.regex(/^\s*(?:yes|no)\s*$/i, "is neither yes nor no").transform((answer) => answer.trim());

/** An option's letter, alone or as `(B)`; the letter. */
export const optionLetter = text
  .regex(/^\s*(?:[A-H]|\([A-H]\))\s*$/, "is not an option's letter")
  .transform((answer) => answer.replace(/[^A-H]/g, ""));

/** Pixels, whole and positive. */
export const pixels = z.int({ error: expected("a whole number of pixels") }).positive("is not positive");

/** A box of four numbers. */
export const quad = z.tuple([z.number(), z.number(), z.number(), z.number()], { error: expected("four numbers") });

/** A path below the images folder. */
export const imagePath = text.transform((path): ImageSource => ({ path }));

/** A text shorter than any image in base64 is the index of the row that has the image, as in VLMEvalKit's files. */
const LONGEST_REFERENCE = 64;

/**
 * An image in the row: bytes, a struct of them as Hugging Face data sets have it, base64, or (in a TSV file, to save space) the
 * index of an earlier row with the same image.
 */
export const image = z.unknown().transform((value, { addIssue }): ImageSource => {
  const source = imageIn(value);
  if (typeof source !== "string") return source;
  addIssue({ code: "custom", message: source });
  return z.NEVER;
});

/** As `image`, where a row may also have several: a Python list of base64 texts. */
export const images = z.unknown().transform((value, { addIssue }): ImageSource => {
  const listed = typeof value === "string" && /^\s*\[.*\]\s*$/s.test(value) ? value.match(/[\w+/=]{65,}/g) : undefined;
  const source = listed ? { bytes: listed.map((part) => Buffer.from(part, "base64")) } : imageIn(value);
  if (typeof source !== "string") return source;
  addIssue({ code: "custom", message: source });
  return z.NEVER;
});

/** Bytes of an image that may be missing. */
export const optionalImage = z
  .object({ bytes: z.instanceof(Uint8Array).optional() })
  .optional()
  .transform((value) => value?.bytes);

function imageIn(value: unknown): ImageSource | string {
  if (value instanceof Uint8Array) return { bytes: [value] };
  if (typeof value === "string") {
    const base64 = value.trim();
    if (base64 === "") return "is empty";
    if (base64.length <= LONGEST_REFERENCE) return { sameAs: base64 };
    if (!/^[\w+/-]+=*$/.test(base64)) return "is not an image in base64";
    return { bytes: [Buffer.from(base64, "base64")] };
  }
  const bytes = typeof value === "object" && value !== null && "bytes" in value ? value.bytes : undefined;
  if (bytes instanceof Uint8Array) return { bytes: [bytes] };
  return value === undefined || value === null ? "is missing" : "has no image bytes";
}
