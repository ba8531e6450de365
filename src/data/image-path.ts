/** @file Where images are: paths of files and folders, nothing that would have to be fetched or unpacked first. */
import { isAddress } from "../util/address.ts";
import { UserError } from "../util/errors.ts";
import { shortened } from "../util/shortened.ts";

/** Bytes of a path, and of a name in it, that file systems take. */
const [LONGEST_PATH, LONGEST_NAME] = [4096, 255];

/** @throws UserError for a folder of images that is an address, however it was named */
export function refuseAddress(images: string | undefined): void {
  if (images === undefined || !isAddress(images)) return;
  throw new UserError(
    `--images ${shortened(images)} is an address, and images are not fetched.`,
    "Download the images, and name the folder that holds them.",
  );
}

/** What is wrong with a text that should be the path of an image, as a phrase with what to do; undefined for a path. */
export function imagePathFault(image: string): string | undefined {
  if (/^\s*data:/i.test(image)) {
    return `is a data URI (${shortened(image)}); save the image as a file and write its path`;
  }
  if (isAddress(image)) {
    return `${shortened(image)} is an address, and images are not fetched; write the path of a file here`;
  }
  if (image.includes("\0")) return `${shortened(image)} is not a path; write the path of a file`;
  const longest = Math.max(...image.split("/").map((name) => Buffer.byteLength(name)));
  if (longest > LONGEST_NAME || Buffer.byteLength(image) > LONGEST_PATH) {
    return `${shortened(image)} is longer than any path; save the image as a file and write its path`;
  }
  return undefined;
}
