/**
 * @file Whether training moved what it should, and nothing else. A freeze that has no effect, or a part that no gradient
 * reaches, would otherwise be noticed after hours, or never.
 */
import { type Part, parts } from "../models/model.ts";
import { cast, indexSelect, ints, reshape, toDevice } from "../torch/ops.ts";
import { tidy } from "../torch/tensor.ts";
import type { Parameter } from "./policy.ts";

/** Elements looked at, spread over each tensor. */
const LOOKED_AT = 1024;

/** What is watched: the parameters that updates may move, those that they may not, and the part each belongs to. */
export interface Watched {
  readonly trainable: readonly Parameter[];
  readonly frozen: readonly Parameter[];
  readonly model: { partOf(parameter: string): Part };
}

/** Processes that each see a part of the parameters move: which of these flags are set in any of them. */
interface Onlookers {
  anywhere(flags: readonly boolean[]): boolean[];
}

/** Watches updates until every part that is trained has moved. */
export class MovementCheck {
  readonly #watched: Watched;
  readonly #own: readonly Parameter[];
  readonly #onlookers: Onlookers | undefined;
  readonly #still: Set<Part>;

  /** `own` is what this process updates, where others update the rest. */
  constructor(watched: Watched, own: readonly Parameter[] = watched.trainable, onlookers?: Onlookers) {
    this.#watched = watched;
    this.#own = own;
    this.#onlookers = onlookers;
    this.#still = new Set(watched.trainable.map(([name]) => watched.model.partOf(name)));
  }

  /** The trained parts that no update has moved so far. */
  get still(): readonly Part[] {
    return parts.filter((part) => this.#still.has(part));
  }

  /**
   * Runs an update, and looks at the parameters before and after while there are parts that have not moved.
   * @throws when a frozen parameter has moved: a fault of the engine
   */
  over<T>(update: () => T): T {
    if (this.#still.size === 0) return update();
    const [trained, frozen] = [this.#own, this.#watched.frozen].map((group) => new Snapshot(group));
    const result = update();
    const strayed = frozen!.changed();
    if (strayed.length > 0) throw new Error(`An update changed frozen parameters: ${strayed.slice(0, 3).join(", ")}.`);
    const moved = new Set(trained!.changed().map((name) => this.#watched.model.partOf(name)));
    const flags = parts.map((part) => moved.has(part));
    for (const [i, isMoved] of (this.#onlookers?.anywhere(flags) ?? flags).entries())
      if (isMoved) this.#still.delete(parts[i]!);
    return result;
  }
}

/** Some elements of each parameter, as they were. */
class Snapshot {
  readonly #parameters: readonly Parameter[];
  readonly #before: readonly Float32Array[];

  constructor(parameters: readonly Parameter[]) {
    this.#parameters = parameters;
    this.#before = parameters.map(elements);
  }

  /** Names of the parameters that are no longer the same. */
  changed(): string[] {
    return this.#parameters.flatMap(([name, tensor], p) => {
      const before = this.#before[p]!;
      return elements([name, tensor]).some((value, i) => value !== before[i]) ? [name] : [];
    });
  }
}

function elements([, tensor]: Parameter): Float32Array {
  return tidy(() => {
    const n = tensor.shape.reduce((a, b) => a * b, 1);
    const count = Math.min(n, LOOKED_AT);
    const places = Array.from({ length: count }, (_, i) => Math.floor((i * n) / count));
    const picked = indexSelect(reshape(tensor, [n]), 0, toDevice(ints(places), tensor.device));
    return cast(picked, "float32").toFloats();
  });
}
