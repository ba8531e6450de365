/** @file A group side by side: each chain with its image, its text, what it earned and how it compares. */

import { fraction } from "../../report/number-format.ts";
import type { ChainLine } from "../studio-data.ts";
import { ChainCard } from "./chain-card.tsx";
import type { ChainGroup } from "./chain-groups.ts";
import { LargeChain } from "./large-chain.tsx";
import { go, type Place } from "./place.ts";

interface GroupViewProps {
  readonly run: string;
  readonly step: number;
  readonly group: ChainGroup;
  readonly chains: readonly ChainLine[];
  readonly wanted: ReadonlySet<number>;
  readonly place: Place;
}

export function GroupView({ run, step, group, chains, wanted, place }: GroupViewProps) {
  const first = chains[0]!;
  const totals = chains.map(({ total }) => total).filter((total) => typeof total === "number");
  const inForm = group.chains.filter(({ wellFormed }) => wellFormed).length;
  const byToken = place.tokens === "on";
  const large = chains.find(({ line }) => String(line) === place.chain);
  const show = (line: number | undefined) => go({ chain: line === undefined ? undefined : String(line) });
  const most = highestTerms(chains);
  return (
    <section class="group" aria-label="Group">
      <header>
        <p class="chips">
          <span class="chip">{first.dataset}</span>
          <span class="chip">{group.chains[0]!.task}</span>
          <span class="id">{first.id}</span>
        </p>
        <h1 dir="auto">{first.question}</h1>
        <p class="gold">
          answer <b dir="auto">{first.answer}</b>
        </p>
        <p class="sums">
          {totals.length > 0 && (
            <>
              mean reward <b>{fraction(totals.reduce((sum, total) => sum + total) / totals.length)}</b> ·{" "}
            </>
          )}
          <b>{inForm}</b> of {chains.length} in form
          {totals.length < chains.length && ` · ${chains.length - totals.length} unscored`}
        </p>
        <button
          type="button"
          class="quiet"
          aria-pressed={byToken}
          onClick={() => go({ tokens: byToken ? undefined : "on" }, { replace: true })}
        >
          Token probabilities
        </button>
      </header>
      {byToken && (
        <p class="scale">
          <span class="swatches" aria-hidden="true">
            {[0, 0.25, 0.5, 0.75, 1].map((doubt) => (
              <i key={doubt} class="token" style={{ "--doubt": doubt }} />
            ))}
          </span>
          The deeper the colour, the less likely the token was: none is certain, the deepest one in ten or less.
        </p>
      )}
      <div class="cards">
        {chains.map((chain, i) => (
          <ChainCard
            key={`${step} ${chain.line}`}
            run={run}
            step={step}
            chain={chain}
            place={i + 1}
            highest={most}
            byToken={byToken}
            isOther={!wanted.has(chain.line)}
            onEnlarge={() => show(chain.line)}
          />
        ))}
      </div>
      {large && (
        <LargeChain
          run={run}
          step={step}
          chains={chains}
          shown={large}
          highest={most}
          byToken={byToken}
          onShow={(line) => go({ chain: String(line) }, { replace: true })}
          onClose={() => show(undefined)}
        />
      )}
    </section>
  );
}

/** The highest score of each term in the group, and at least 1: the length of a full bar. */
function highestTerms(chains: readonly ChainLine[]): number {
  const scores = chains.flatMap(({ terms }) => Object.values(terms));
  return Math.max(1, ...scores.map((score) => (typeof score === "number" ? score : 0)));
}
