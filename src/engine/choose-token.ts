/**
 * @file Choosing the next token of each sequence. Randomness comes in as one uniform number a row, so that a sequence's
 * choices do not depend on what shares its batch.
 */
import {
  argmax,
  cast,
  cat,
  cumsum,
  div,
  floats,
  gather,
  indexSelect,
  ints,
  lt,
  maskedFill,
  mul,
  narrow,
  softmax,
  sort,
  sub,
  sumDim,
  toDevice,
  topk,
} from "../torch/ops.ts";
import type { Tensor } from "../torch/tensor.ts";
import { groupBy } from "../util/arrays.ts";

export interface Choice {
  /** 0 is greedy. */
  readonly temperature: number;
  /** 1: all. */
  readonly topP: number;
  /** 0: all. */
  readonly topK: number;
}

/**
 * One id a row of logits_BV: [B] int64, on their device. `uniforms` are in (0, 1], one a row: the id is the first whose
 * cumulative probability reaches it. Rows may choose in different ways.
 */
export function choose(logits_BV: Tensor, choices: readonly Choice[], uniforms: readonly number[]): Tensor {
  const kinds = groupBy([...choices.keys()], (row) => keyOf(choices[row]!));
  if (kinds.length === 1) return chooseAlike(logits_BV, choices[0]!, uniforms);
  const { device } = logits_BV;
  const chosen = kinds.map((rows) => {
    const logits = indexSelect(logits_BV, 0, toDevice(ints(rows), device));
    const own = rows.map((row) => uniforms[row]!);
    return chooseAlike(logits, choices[rows[0]!]!, own);
  });
  const place = new Map(kinds.flat().map((row, i) => [row, i]));
  const places = choices.map((_, row) => place.get(row)!);
  return indexSelect(cat(chosen, 0), 0, toDevice(ints(places), device));
}

function keyOf({ temperature, topP, topK }: Choice): string {
  return `${temperature} ${topP} ${topK}`;
}

function chooseAlike(logits_BV: Tensor, choice: Choice, uniforms: readonly number[]): Tensor {
  if (choice.temperature === 0) return argmax(logits_BV, 1);
  const kept = restrict(div(logits_BV, choice.temperature), choice);
  const cumulative = cumsum(softmax(kept, 1), 1);
  const total = narrow(cumulative, 1, cumulative.size(1) - 1, 1);
  const wanted = mul(total, toDevice(floats(uniforms, [uniforms.length, 1]), logits_BV.device));
  return sumDim(cast(lt(cumulative, wanted), "int64"), [1]);
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
