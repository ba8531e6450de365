/** @file What a file is that no image can be read from: another image format, or what often stands in an image's place. */

const CONVERT = "which is not supported; convert it to PNG or JPEG";

/** By how the file begins, and how the phrase that names it ends. */
const KINDS: readonly (readonly [RegExp, string])[] = [
  [/^BM.{4}\0{4}/s, `is a BMP, ${CONVERT}`],
  [/^(?:II\*\0|MM\0\*)/, `is a TIFF, ${CONVERT}`],
  [/^.{4}ftyp(?:heic|heix|hevc|mif1|msf1)/s, `is a HEIC image, ${CONVERT}`],
  [/^.{4}ftypavif/s, `is an AVIF image, ${CONVERT}`],
  [/^(?:\0\0\0\fjP {2}|\xff\x4f\xff\x51)/, `is a JPEG 2000 image, ${CONVERT}`],
  [/^(?:\xff\n|\0\0\0\fJXL )/, `is a JPEG XL image, ${CONVERT}`],
  [/^8BPS/, `is a Photoshop file, ${CONVERT}`],
  [/^P[1-7]\s/, `is a PNM image, ${CONVERT}`],
  [/^%PDF-/, `is a PDF, ${CONVERT}`],
  [/^version https:\/\/git-lfs/, "is a pointer of Git LFS, not the image itself; run git lfs pull"],
  [/^\s*<(?:!doctype html|html)/i, "is a web page, not an image; download the image again"],
];

/** A phrase that says what the file is and what to do, by its first bytes; undefined for what is not known. */
export function otherFormat(bytes: Uint8Array): string | undefined {
  const start = Buffer.from(bytes.subarray(0, 64)).toString("latin1");
  return KINDS.find(([pattern]) => pattern.test(start))?.[1];
}
