/** @file How the rewards of a step are spread; a bar leads to its chains. */

import { fraction } from "../../report/number-format.ts";
import type { ChainFilter } from "../chain-filter.ts";
import type { ChainFact } from "../studio-data.ts";
import { go } from "./place.ts";
import { type Bin, rewardBins } from "./reward-bins.ts";

export function RewardHistogram({ chains, filter }: { chains: readonly ChainFact[]; filter: ChainFilter }) {
  const bins = rewardBins(chains.flatMap(({ total }) => (total === null ? [] : [total])));
  const filled = bins.filter(({ count }) => count > 0);
  if (filled.length === 0) return null;
  const most = Math.max(...bins.map(({ count }) => count));
  const isChosen = ({ least, most }: Bin) => filter.least === least && filter.most === most;
  return (
    <figure class="histogram">
      <figcaption>Reward</figcaption>
      <div class="bins" role="group" aria-label="Chains by reward">
        {bins.map((bin, i) =>
          bin.count === 0 ? (
            <span key={i} />
          ) : (
            <button
              key={i}
              type="button"
              aria-pressed={isChosen(bin)}
              aria-label={`${bin.count} chains with a reward of ${fraction(bin.least)} to ${fraction(bin.most)}`}
              title={`${fraction(bin.least)} to ${fraction(bin.most)}: ${bin.count}`}
              onClick={() => {
                const range = isChosen(bin) ? undefined : bin;
                go(
                  { least: range && String(range.least), most: range && String(range.most), chain: undefined },
                  { replace: true },
                );
              }}
            >
              <i style={{ height: `${Math.max(6, (bin.count / most) * 100)}%` }} />
            </button>
          ),
        )}
      </div>
      <p class="range">
        <span>{fraction(filled[0]!.least)}</span>
        <span>{fraction(filled.at(-1)!.most)}</span>
      </p>
    </figure>
  );
}
