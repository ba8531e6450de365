import { describe, expect, it } from "vitest";
import { GRPO } from "../../test/tiny.ts";
import { floats, sum } from "../torch/ops.ts";
import { tidy } from "../torch/tensor.ts";
import { batchSize, type GrpoLoss, k3, type Loss, together, tokenLosses, tokenWeights, weighted } from "./loss.ts";

const grpo: GrpoLoss = { ...GRPO, maxTokens: 10 };

/** One token's numbers. */
interface Token {
  readonly logprob: number;
  readonly old: number;
  readonly advantage: number;
  readonly reference: number;
}

// Ratios inside the bounds, above and below them, under advantages of both signs and none.
const TOKENS: Token[] = [0.02, -0.05, 0.6, -0.6, 0.24, -0.21].flatMap((gap, i) =>
  [1.5, -0.7, 0].map((advantage, j) => ({
    logprob: -1.1 - 0.3 * i + gap,
    old: -1.1 - 0.3 * i,
    advantage,
    reference: -1.4 + 0.17 * j - 0.2 * i,
  })),
);

/** Equation 3 of the paper for one token, in double precision. `anchor` stands for π_old. */
function written({ advantage, reference }: Token, logprob: number, anchor: number, loss: GrpoLoss): number {
  const ratio = Math.exp(logprob - anchor);
  const bounded = Math.min(Math.max(ratio, 1 - loss.epsilonLow), 1 + loss.epsilonHigh);
  const gain = loss.form === "clipped" ? Math.min(ratio * advantage, bounded * advantage) : ratio * advantage;
  const r = reference - logprob;
  return -gain + loss.beta * (Math.exp(r) - r - 1);
}

/** Losses and their derivatives by the log-probabilities, as autograd sees them. */
function computed(loss: Loss, tokens: readonly Token[]) {
  return tidy(() => {
    const column = (value: (token: Token) => number) => floats(tokens.map(value), [tokens.length]);
    const logprobs = column((token) => token.logprob).requiresGrad();
    const { losses, clipped, kl } = tokenLosses(loss, logprobs, {
      advantage: column((token) => token.advantage),
      old: column((token) => token.old),
      reference: column((token) => token.reference),
    });
    sum(losses).backward();
    return { losses: losses.toFloats(), slopes: logprobs.grad()!.toFloats(), clipped: clipped?.item(), kl: kl?.item() };
  });
}

describe("tokenLosses", () => {
  it.each([
    { ...grpo },
    { ...grpo, beta: 0.3 },
    { ...grpo, form: "clipped" as const },
    { ...grpo, form: "clipped" as const, beta: 0.3 },
    { ...grpo, form: "clipped" as const, epsilonLow: 0.1, epsilonHigh: 0.1 },
  ])("value and derivative of $form, beta $beta, epsilon $epsilonLow/$epsilonHigh", (loss) => {
    const { losses, slopes } = computed(loss, TOKENS);
    for (const [i, token] of TOKENS.entries()) {
      const anchor = loss.form === "on_policy" ? token.logprob : token.old;
      const at = (shift: number) => written(token, token.logprob + shift, anchor, loss);
      expect(losses[i], `token ${i}`).toBeCloseTo(at(0), 5);
      expect(slopes[i], `token ${i}`).toBeCloseTo((at(1e-6) - at(-1e-6)) / 2e-6, 4);
    }
  });

  it("on-policy the ratio is 1: the loss is −A, the derivative too, whatever the old log-probability", () => {
    const { losses, slopes, clipped } = computed(grpo, TOKENS);
    const wanted = TOKENS.map(({ advantage }) => expect.closeTo(-advantage, 6));
    expect(Array.from(losses)).toEqual(wanted);
    expect(Array.from(slopes)).toEqual(wanted);
    expect(clipped).toBeUndefined();
  });

  it("counts as clipped what the bound changes, and no more", () => {
    const { clipped } = computed({ ...grpo, form: "clipped" }, TOKENS);
    const bound = TOKENS.filter(({ logprob, old, advantage }) => {
      const ratio = Math.exp(logprob - old);
      return (advantage > 0 && ratio > 1.28) || (advantage < 0 && ratio < 0.8);
    });
    expect(bound.length).toBeGreaterThan(0);
    expect(clipped).toBeCloseTo(bound.length / TOKENS.length, 6);
  });

  it("a clipped token has no derivative", () => {
    const above = { logprob: -1, old: -1.5, advantage: 1, reference: -1 };
    const below = { logprob: -1.5, old: -1, advantage: -1, reference: -1.5 };
    expect(Array.from(computed({ ...grpo, form: "clipped" }, [above, below]).slopes, Math.abs)).toEqual([0, 0]);
  });

  it("the KL is logged without a weight too, and a reference that does not exist costs nothing", () => {
    const k3s = TOKENS.map(({ logprob, reference }) => Math.exp(reference - logprob) - (reference - logprob) - 1);
    const mean = k3s.reduce((a, b) => a + b, 0) / k3s.length;
    expect(computed(grpo, TOKENS).kl).toBeCloseTo(mean, 5);
    tidy(() => {
      const one = floats([-1], [1]);
      const inputs = { advantage: floats([2], [1]), old: undefined, reference: undefined };
      const { losses, kl } = tokenLosses({ ...grpo, beta: 0.3 }, one, inputs);
      expect([losses.item(), kl]).toEqual([-2, undefined]);
    });
  });

  it("nll is the negative log-probability", () => {
    const { losses, slopes } = computed({ kind: "nll" }, TOKENS);
    expect(Array.from(losses)).toEqual(TOKENS.map(({ logprob }) => expect.closeTo(-logprob, 6)));
    expect(new Set(slopes)).toEqual(new Set([-1]));
  });
});

describe("k3", () => {
  it("is 0 with no slope where both agree, and positive elsewhere", () => {
    tidy(() => {
      const logprobs = floats([-1, -2, -0.5], [3]).requiresGrad();
      const divergence = k3(logprobs, floats([-1, -1, -3], [3]));
      sum(divergence).backward();
      const r = [0, 1, -2.5];
      expect(Array.from(divergence.toFloats())).toEqual(r.map((x) => expect.closeTo(Math.exp(x) - x - 1, 5)));
      expect(Array.from(logprobs.grad()!.toFloats())).toEqual(r.map((x) => expect.closeTo(1 - Math.exp(x), 5)));
    });
  });

  it("stays finite, with its gradient, however far the two are apart", () => {
    tidy(() => {
      const logprobs = floats([-1000, 0], [2]).requiresGrad();
      const divergence = k3(logprobs, floats([0, -1000], [2]));
      sum(divergence).backward();
      for (const value of [...divergence.toFloats(), ...logprobs.grad()!.toFloats()])
        expect(Number.isFinite(value)).toBe(true);
    });
  });
});

describe("normalisation: two sequences of 2 and 3 tokens with losses 1 … 5", () => {
  const total = (loss: Loss) =>
    tidy(() => {
      const weights = tokenWeights(loss, [2, 3]).flatMap((weight, i) => new Array<number>([2, 3][i]!).fill(weight));
      return weighted(floats([1, 2, 3, 4, 5], [5]), floats(weights, [5])).item();
    });

  it.each([
    ["sequence", (1.5 + 4) / 2],
    ["token", 15 / 5],
    ["dr_grpo", 15 / (10 * 2)],
  ] as const)("%s", (normalize, wanted) => {
    expect(total({ ...grpo, normalize })).toBeCloseTo(wanted, 6);
  });

  it.each(["sequence", "token", "dr_grpo"] as const)(
    "%s: parts of a batch have the weights of the whole",
    (normalize) => {
      const [loss, lengths] = [{ ...grpo, normalize }, [2, 3, 7, 1]];
      const parts = [lengths.slice(0, 1), lengths.slice(1)].flatMap((part) =>
        tokenWeights(loss, part, batchSize(lengths)),
      );
      expect(parts).toEqual(tokenWeights(loss, lengths));
    },
  );

  it("nll: over all tokens", () => {
    expect(total({ kind: "nll" })).toBeCloseTo(3, 6);
  });
});

it("metrics of parts: losses add up, means count by tokens, and a part without tokens changes nothing", () => {
  const part = (loss: number, tokens: number, mean: number) => ({
    loss,
    tokens,
    kl: mean,
    entropy: mean,
    clipFraction: mean,
    mismatchMean: mean,
    mismatchMax: mean,
  });
  const both = { loss: 3, tokens: 4, kl: 5, entropy: 5, clipFraction: 5, mismatchMean: 5, mismatchMax: 8 };
  expect(together([part(1, 3, 4), part(2, 1, 8), part(0, 0, 0)])).toEqual(both);
});
