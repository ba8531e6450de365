/** @file The near end of the thread that decodes images. It begins with the first image, and keeps no process alive by itself. */

import { Worker } from "node:worker_threads";
import type { ImageOptions } from "../prompt/image-processor.ts";
import type { ImageInput } from "../records.ts";
import { errorOf } from "../util/failure.ts";
import type { ImageHost, ImageReply, ImageRequest } from "./image-host.ts";

interface Pending {
  readonly resolve: (image: ImageInput) => void;
  readonly reject: (error: unknown) => void;
}

export class ImageThread {
  readonly #data: ImageHost;
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | undefined;
  #requests = 0;

  /** For the checkpoint in a folder. */
  constructor(dir: string, options: ImageOptions) {
    this.#data = { host: "image-host", dir, options };
  }

  /** An image as the model takes it, from the bytes of its file. @throws UserError as `ImageReader`; Error when the thread ends */
  async read(bytes: Uint8Array): Promise<ImageInput> {
    this.#worker ??= this.#open();
    const worker = this.#worker;
    const id = this.#requests++;
    worker.ref();
    try {
      return await new Promise<ImageInput>((resolve, reject) => {
        this.#pending.set(id, { resolve, reject });
        worker.postMessage({ id, bytes } satisfies ImageRequest);
      });
    } finally {
      if (this.#pending.size === 0) worker.unref();
    }
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #open(): Worker {
    // What teaches this thread TypeScript is not repeated in the other.
    const worker = new Worker(new URL("worker.mjs", import.meta.url), { execArgv: [], workerData: this.#data });
    worker.on("message", (reply: ImageReply) => {
      const pending = this.#pending.get(reply.id);
      this.#pending.delete(reply.id);
      if ("failure" in reply) pending?.reject(errorOf(reply.failure));
      else pending?.resolve(reply.image);
    });
    let reason: unknown = new Error("The thread that decodes images has ended.");
    worker.on("error", (error) => {
      reason = error;
    });
    worker.on("exit", () => {
      // The next image opens another.
      this.#worker = undefined;
      for (const { reject } of this.#pending.values()) reject(reason);
      this.#pending.clear();
    });
    return worker;
  }
}
