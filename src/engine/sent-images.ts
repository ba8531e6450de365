/**
 * @file Images on their way to the worker thread. Pixels are copied once for all calls in a row that name them: a step samples,
 * scores and learns from the same prompts. They are not shared memory, since the collector does not count what that holds.
 */
import type { ImageInput, Prompt } from "../records.ts";

/** Prompts of one call, their images by number, and the images that the other side does not have yet. */
export interface SentPrompts {
  readonly prompts: readonly { readonly ids: readonly number[]; readonly images: readonly number[] }[];
  readonly fresh: ReadonlyMap<number, ImageInput>;
}

/** The side that sends. */
export class ImageSender {
  /** What the other side holds: the images of the newest call. */
  #sent = new Map<ImageInput, number>();
  #next = 0;

  /** The pixels in `fresh` are copies, to be transferred. */
  pack(prompts: readonly Prompt[]): SentPrompts {
    const named = new Map<ImageInput, number>();
    const fresh = new Map<number, ImageInput>();
    const numberOf = (image: ImageInput) => {
      const known = named.get(image) ?? this.#sent.get(image);
      const number = known ?? this.#next++;
      if (known === undefined) fresh.set(number, { ...image, pixels: image.pixels.slice() });
      named.set(image, number);
      return number;
    };
    const packed = prompts.map(({ ids, images }) => ({ ids, images: images.map(numberOf) }));
    this.#sent = named;
    return { prompts: packed, fresh };
  }
}

/** The side that receives, call by call, all that the other sends. */
export class ImageReceiver {
  #held: ReadonlyMap<number, ImageInput> = new Map();

  unpack({ prompts, fresh }: SentPrompts): Prompt[] {
    const named = new Map<number, ImageInput>();
    const imageOf = (number: number) => {
      const image = fresh.get(number) ?? this.#held.get(number)!;
      named.set(number, image);
      return image;
    };
    const unpacked = prompts.map(({ ids, images }) => ({ ids, images: images.map(imageOf) }));
    this.#held = named;
    return unpacked;
  }
}
