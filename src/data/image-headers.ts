/** @file The images of many lines: each header is read once, and all that are missing are one fault. */
import { type Faults, firstFew, SHOWN } from "../util/faults.ts";
import { type ImageHeader, imageHeader, MISSING } from "./image-header.ts";

export class ImageHeaders {
  readonly #known = new Map<string, ImageHeader | string>();
  /** Where each missing image was first wanted. */
  readonly #missing = new Map<string, string>();

  /** The header of the image that is wanted at `where`, the phrase that tells what is wrong with it, or undefined if it is missing. */
  async read(image: string, where: string): Promise<ImageHeader | string | undefined> {
    if (!this.#known.has(image)) this.#known.set(image, await imageHeader(image));
    const header = this.#known.get(image)!;
    if (header !== MISSING) return header;
    if (!this.#missing.has(image)) this.#missing.set(image, where);
    return undefined;
  }

  /** The images that are missing, in the order in which they were wanted. */
  get missing(): readonly string[] {
    return [...this.#missing.keys()];
  }

  /**
   * Adds all missing images as one fault, since they are mostly missing for one reason: `start` says where their paths start.
   * @param elsewhere what names all of them; without it the fault does, however many there are
   */
  reportMissing(faults: Faults, start: string, elsewhere?: string): void {
    const [first] = this.#missing.values();
    if (first === undefined) return;
    const { missing } = this;
    const count = missing.length === 1 ? "one image is missing" : `${missing.length} images are missing`;
    const all = elsewhere !== undefined && missing.length > SHOWN ? `; ${elsewhere} names all of them` : "";
    const list = (elsewhere === undefined ? missing : firstFew(missing)).map((image) => `\n    ${image}`);
    faults.add(`${first}: image`, `${count} (${start}${all})${list.join("")}`);
  }
}
