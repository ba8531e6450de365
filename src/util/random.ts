/**
 * @file Seeded random numbers outside libtorch: scenes, data order, bootstraps. The generator is sfc32, seeded through
 * a hash of its name, so that `stream(seed, "data", 3)` is the same everywhere and independent of every other stream.
 */

/** A deterministic stream of random numbers; `state` can be saved and restored. */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor(state: readonly [number, number, number, number]) {
    [this.#a, this.#b, this.#c, this.#d] = state;
  }

  get state(): [number, number, number, number] {
    return [this.#a, this.#b, this.#c, this.#d];
  }

  /** Uniform integer in [0, 2^32). */
  uint32(): number {
    const t = (this.#a + this.#b + this.#d) | 0;
    this.#d = (this.#d + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + t;
    this.#c |= 0;
    return t >>> 0;
  }

  /** Uniform float in [0, 1), 32 bits of it random. */
  float(): number {
    return this.uint32() / 2 ** 32;
  }

  /** Uniform integer in [low, high], both included. */
  int(low: number, high: number): number {
    return low + Math.floor(this.float() * (high - low + 1));
  }

  /** True with probability `p`. */
  chance(p: number): boolean {
    return this.float() < p;
  }

  /** One item, uniformly. */
  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new Error("Random.pick: no items");
    return items[this.int(0, items.length - 1)]!;
  }

  /** A shuffled copy (Fisher-Yates). */
  shuffle<T>(items: readonly T[]): T[] {
    const out = [...items];
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.int(0, i);
      [out[i], out[j]] = [out[j]!, out[i]!];
    }
    return out;
  }
}

/** The random stream of that name: equal arguments give equal streams, different ones independent streams. */
export function stream(seed: number, ...name: (string | number)[]): Random {
  const text = `${seed}/${name.join("/")}`;
  // FNV-1a over the characters, continued with four different salts, then a warm-up so that near names part ways.
  const words = [1, 2, 3, 4].map((salt) => {
    let hash = 0x811c9dc5 ^ salt;
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    return hash | 0;
  }) as [number, number, number, number];
  const random = new Random(words);
  for (let i = 0; i < 16; i++) random.uint32();
  return random;
}
