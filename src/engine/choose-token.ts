/**
 * @file Choosing the next token of each sequence. Randomness comes in as one uniform number a row, so that a sequence's
 * choices do not depend on what shares its batch.
 */
import {
  add,
  argmax,
  cast,
  cat,
  clamp,
  cumsum,
  div,
  expand,
  gather,
  indexSelect,
  ints,
  lt,
  maskedFill,
  mul,
  narrow,
  remainder,
  reshape,
  searchSorted,
  softmax,
  sort,
  squeeze,
  sub,
  sumDim,
  toDevice,
  topk,
  unsqueeze,
} from "../torch/ops.ts";
import { keep, type Tensor, tidy } from "../torch/tensor.ts";
import { groupBy } from "../util/arrays.ts";

export interface Choice {
  /** 0 is greedy. */
  readonly temperature: number;
  /** 1: all. */
  readonly topP: number;
  /** 0: all. */
  readonly topK: number;
}

/** How the rows of a batch choose, prepared on their device. Lives until `dispose()`. */
export class Chooser {
  readonly #choices: readonly Choice[];
  /** The rows of each kind of choice, and after them the place of every row among those; none where all choose alike. */
  readonly #kinds: readonly { readonly choice: Choice; readonly rows_N: Tensor }[];
  readonly #places_B: Tensor | undefined;

  constructor(choices: readonly Choice[], device: string) {
    this.#choices = choices;
    const kinds = groupBy([...choices.keys()], (row) => keyOf(choices[row]!));
    const place = (rows: readonly number[]) => keep(tidy(() => toDevice(ints(rows), device)));
    if (kinds.length === 1) {
      this.#kinds = [];
      return;
    }
    this.#kinds = kinds.map((rows) => ({ choice: choices[rows[0]!]!, rows_N: place(rows) }));
    const placeOf = new Map(kinds.flat().map((row, i) => [row, i]));
    this.#places_B = place(choices.map((_, row) => placeOf.get(row)!));
  }

  /** Whether any row draws: else the likeliest token is taken, and no number is asked for. */
  get draws(): boolean {
    return this.#choices.some(({ temperature }) => temperature > 0);
  }

  /** Do these rows choose in the same ways? */
  fits(choices: readonly Choice[]): boolean {
    return (
      choices.length === this.#choices.length && choices.every((choice, row) => isSame(choice, this.#choices[row]!))
    );
  }

  /**
   * One id a row of logits_BV: [B] int64, on their device. uniforms_B1 are in (0, 1]: the id is the first whose cumulative probability
   * reaches it.
   */
  choose(logits_BV: Tensor, uniforms_B1: Tensor): Tensor {
    if (!this.#places_B) return chooseAlike(logits_BV, this.#choices[0]!, uniforms_B1);
    const chosen = this.#kinds.map(({ choice, rows_N }) =>
      chooseAlike(indexSelect(logits_BV, 0, rows_N), choice, indexSelect(uniforms_B1, 0, rows_N)),
    );
    return indexSelect(cat(chosen, 0), 0, this.#places_B);
  }

  dispose(): void {
    for (const { rows_N } of this.#kinds) rows_N.dispose();
    this.#places_B?.dispose();
  }
}

function isSame(a: Choice, b: Choice): boolean {
  return a === b || (a.temperature === b.temperature && a.topP === b.topP && a.topK === b.topK);
}

function keyOf({ temperature, topP, topK }: Choice): string {
  return `${temperature} ${topP} ${topK}`;
}

function chooseAlike(logits_BV: Tensor, choice: Choice, uniforms_B1: Tensor): Tensor {
  if (choice.temperature === 0) return argmax(logits_BV, 1);
  const tempered = choice.temperature === 1 ? logits_BV : div(logits_BV, choice.temperature);
  return squeeze(draw(softmax(restrict(tempered, choice), 1), uniforms_B1), 1);
}

/** From so many probabilities on they are added up in parts of at most so many: side by side, where one long sum keeps a GPU waiting. */
const [MANY, PART] = [8192, 2048];

/** The first place of each row where the sum of probabilities_BV reaches its share of the whole: [B, 1] int64. */
function draw(probabilities_BV: Tensor, shares_B1: Tensor): Tensor {
  const [B, V] = probabilities_BV.shape as [number, number];
  const W = V < MANY ? V : widestPart(V);
  const P = V / W;
  const wantedOf = (sums: Tensor) => mul(narrow(sums, 1, sums.size(1) - 1, 1), shares_B1);
  if (P === 1) {
    const sums_BV = cumsum(probabilities_BV, 1);
    return firstReaching(wantedOf(sums_BV), sums_BV);
  }
  const sums = cumsum(reshape(probabilities_BV, [B * P, W]), 1);
  const totals_BP = reshape(narrow(sums, 1, W - 1, 1), [B, P]);
  const ends_BP = cumsum(totals_BP, 1);
  const wanted_B1 = wantedOf(ends_BP);
  const part_B1 = firstReaching(wanted_B1, ends_BP);
  const of = (values_BP: Tensor) => gather(values_BP, 1, part_B1);
  // Where rounding leaves nothing to reach, the first token would do, even without any probability: let there be something.
  const within_B1 = clamp(sub(of(totals_BP), sub(of(ends_BP), wanted_B1)), 1e-30, null);
  const own = gather(reshape(sums, [B, P, W]), 1, expand(unsqueeze(part_B1, 2), [B, 1, W]));
  return add(mul(part_B1, W), firstReaching(within_B1, squeeze(own, 1)));
}

/** The first place in each row of sums_BN that reaches a value: [B, 1]. 0 where sums are no numbers, of which none does. */
function firstReaching(value_B1: Tensor, sums_BN: Tensor): Tensor {
  return remainder(searchSorted(sums_BN, value_B1), sums_BN.size(1));
}

/** The greatest divisor of V that is at most `PART`; V itself where parts would be so small that they help nobody. */
function widestPart(V: number): number {
  for (let width = PART; width >= 64; width--) if (V % width === 0) return width;
  return V;
}

/** Logits with everything outside the top k and the top p set to -inf. */
function restrict(logits_BV: Tensor, { topK, topP }: Choice): Tensor {
  let kept = logits_BV;
  const V = logits_BV.size(1);
  if (topK > 0 && topK < V) {
    const [best] = topk(kept, topK, 1);
    kept = maskedFill(kept, lt(kept, narrow(best, 1, topK - 1, 1)), Number.NEGATIVE_INFINITY);
  }
  if (topP < 1) {
    const [ordered] = sort(kept, 1, true);
    const probabilities = softmax(ordered, 1);
    // A token stays while those before it have not yet added up to p; the last one that stays sets the bar.
    const before = sub(cumsum(probabilities, 1), probabilities);
    const staying = sumDim(cast(lt(before, topP), "int64"), [1], true);
    const bar = gather(ordered, 1, sub(staying, 1));
    kept = maskedFill(kept, lt(kept, bar), Number.NEGATIVE_INFINITY);
  }
  return kept;
}
