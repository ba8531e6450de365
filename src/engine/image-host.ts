/** @file The worker thread that decodes and resizes images for those who must not wait: a large one takes a second. */

import { parentPort, workerData } from "node:worker_threads";
import type { ImageOptions } from "../prompt/image-processor.ts";
import { ImageReader } from "../prompt/image-reader.ts";
import type { ImageInput } from "../records.ts";
import { type Failure, failureOf } from "../util/failure.ts";

/** Bytes of processed images kept: what a conversation shows again with each turn. */
const KEPT = 256e6;

/** What the thread is opened with. */
export interface ImageHost {
  readonly host: "image-host";
  /** A Hugging Face folder. */
  readonly dir: string;
  readonly options: ImageOptions;
}

/** To the worker: the bytes of an image file. */
export interface ImageRequest {
  readonly id: number;
  readonly bytes: Uint8Array;
}

/** From the worker. */
export type ImageReply = { readonly id: number } & ({ readonly image: ImageInput } | { readonly failure: Failure });

/** Answers the requests that come through this thread's port. */
export function start(): void {
  const { dir, options } = workerData as ImageHost;
  const reader = ImageReader.load(dir, options, KEPT);
  parentPort!.on("message", async ({ id, bytes }: ImageRequest) => {
    const reply = await reader.read(bytes).then(
      (image): ImageReply => ({ id, image }),
      (error): ImageReply => ({ id, failure: failureOf(error) }),
    );
    parentPort!.postMessage(reply);
  });
}
