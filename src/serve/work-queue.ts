/** @file What an engine's server works on: how many completions run at once, and how many may be in the house. */
import { Places } from "./places.ts";
import { Turns } from "./turns.ts";

export interface QueueSize {
  /** Completions that are sampled at once, in one batch. */
  readonly running: number;
  /** Completions that may wait for that. */
  readonly waiting: number;
}

export const DEFAULT_QUEUE: QueueSize = { running: 64, waiting: 256 };

/** Bytes of requests that are held at once, from their first byte until their prompt is laid out. */
const BODY_BYTES = 256e6;

export class WorkQueue {
  /** For completions, from the arrival of their request to the end of its answer. */
  readonly places: Places;
  readonly turns: Turns;
  readonly bodies = new Places(BODY_BYTES, "requests of this size");
  /** Images are decoded one after another: a small file may become a hundred megabytes. */
  readonly images = new Turns(1);

  constructor({ running, waiting }: QueueSize = DEFAULT_QUEUE) {
    this.places = new Places(running + waiting, "completions");
    this.turns = new Turns(running);
  }
}
