/** @file Tells all open pages what has changed in the runs, looking only while somebody listens. */

import type { Catalog } from "./catalog.ts";
import type { Changes } from "./studio-data.ts";

/** Milliseconds between two looks. */
const PACE = 1000;

/** One look for all listeners. */
export class LiveChanges {
  readonly #catalog: Catalog;
  readonly #listeners = new Set<(changes: Changes) => void>();
  #timer: NodeJS.Timeout | undefined;

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  /** Calls `listener` with all changes from now on; the function that is given back ends that. */
  async listen(listener: (changes: Changes) => void): Promise<() => void> {
    // What happened while nobody listened is not news.
    if (this.#listeners.size === 0) await this.#catalog.changes();
    this.#listeners.add(listener);
    this.#lookLater();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) clearTimeout(this.#timer);
    };
  }

  #lookLater(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), PACE).unref();
  }

  async #look(): Promise<void> {
    const changes = await this.#catalog.changes();
    if (changes) for (const listener of this.#listeners) listener(changes);
    if (this.#listeners.size > 0) this.#lookLater();
  }
}
