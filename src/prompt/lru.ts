/** @file A bounded cache that forgets the least recently used entries. */

export class Lru<Value> {
  readonly #capacity: number;
  readonly #sizeOf: (value: Value) => number;
  #size = 0;
  /** In order of use, the oldest first: a Map keeps the order of insertion. */
  readonly #entries = new Map<string, Value>();

  /** Holds values of so much size together; the newest stays, whatever its own. */
  constructor(capacity: number, sizeOf: (value: Value) => number) {
    this.#capacity = capacity;
    this.#sizeOf = sizeOf;
  }

  /** The value under `key`, now the most recently used. */
  get(key: string): Value | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }

  /** Stores `value` under `key`; above the capacity the oldest entries go. */
  set(key: string, value: Value): void {
    this.#delete(key);
    this.#entries.set(key, value);
    this.#size += this.#sizeOf(value);
    while (this.#size > this.#capacity && this.#entries.size > 1) this.#delete(this.#entries.keys().next().value!);
  }

  #delete(key: string): void {
    const value = this.#entries.get(key);
    if (value === undefined) return;
    this.#entries.delete(key);
    this.#size -= this.#sizeOf(value);
  }
}
