/** @file The images of a request: data URLs, and addresses where that is allowed, within limits, before a pixel is decoded. */
import { imageHeader } from "../data/image-header.ts";
import type { Engine } from "../engine/engine.ts";
import type { ImageInput } from "../records.ts";
import { UserError } from "../util/errors.ts";
import { shortened } from "../util/shortened.ts";
import { badRequest } from "./api-error.ts";
import { fetchImage } from "./image-address.ts";
import type { Limits } from "./limits.ts";
import type { WorkQueue } from "./work-queue.ts";

export interface ImageSettings {
  readonly limits: Limits;
  /** Whether images are fetched from http(s) addresses. */
  readonly allowImageUrls: boolean;
  readonly queue: WorkQueue;
}

/** Reads the images of one request. */
export class RequestImages {
  readonly #engine: Pick<Engine, "image">;
  readonly #settings: ImageSettings;
  readonly #signal: AbortSignal;
  #pixels = 0;

  constructor(engine: Pick<Engine, "image">, settings: ImageSettings, signal: AbortSignal) {
    this.#engine = engine;
    this.#settings = settings;
    this.#signal = signal;
  }

  /** The next image, as the model takes it. @throws ApiError 400 at `param`: not an image, or too large */
  async read(url: string, param: string): Promise<ImageInput> {
    const { limits } = this.#settings;
    try {
      const bytes = await this.#bytes(url);
      const header = await imageHeader(bytes);
      if (typeof header === "string") throw new UserError(`The image ${header}.`);
      this.#pixels += header.width * header.height;
      if (this.#pixels > limits.imagePixels)
        throw new UserError(`The images have more than ${limits.imagePixels / 1e6} million pixels. Scale them down.`);
      return await this.#settings.queue.images.run(this.#signal, () => this.#engine.image(bytes));
    } catch (error) {
      if (error instanceof UserError) throw badRequest(error, param);
      throw error;
    }
  }

  async #bytes(url: string): Promise<Uint8Array> {
    const { limits, allowImageUrls } = this.#settings;
    if (!/^data:/i.test(url)) {
      if (!allowImageUrls || !/^https?:/i.test(url))
        throw new UserError(
          `This server fetches no images (${shortened(url)}).`,
          "Send the image as a data URL, data:image/png;base64,…, or start the server with --allow-image-urls.",
        );
      return fetchImage(url, { bytes: limits.imageBytes, seconds: limits.imageSeconds, signal: this.#signal });
    }
    const bytes = bytesOfDataUrl(url);
    if (bytes.length > limits.imageBytes)
      throw new UserError(`An image has more than ${limits.imageBytes / 1e6} MB. Scale it down.`);
    return bytes;
  }
}

/** What a data URL holds. Its media type is not looked at: the content decides. @throws UserError when it is not base64 */
function bytesOfDataUrl(url: string): Buffer {
  const comma = url.indexOf(",");
  const padding = url.endsWith("==") ? 2 : Number(url.endsWith("="));
  const encoded = url.slice(comma + 1, url.length - padding);
  const bytes = Buffer.from(encoded, "base64");
  // Node leaves out what it cannot read.
  const whole = bytes.length === Math.floor((encoded.length * 3) / 4);
  if (comma < 0 || !/;base64$/i.test(url.slice(0, Math.min(comma, 200))) || !whole)
    throw new UserError("A data URL is not in base64.", "Write data:image/png;base64, and the file in base64.");
  return bytes;
}
