/** @file What chains are wanted: words, how they came out, data set, task, and the reward by its histogram. */

import { useState } from "preact/hooks";
import { fraction } from "../../report/number-format.ts";
import { type ChainFilter, isWanted, OUTCOMES } from "../chain-filter.ts";
import type { ChainFact } from "../studio-data.ts";
import { isFiltering, NO_FILTER } from "./chain-query.ts";
import { Choice } from "./choice.tsx";
import { go } from "./place.ts";
import { RewardHistogram } from "./reward-histogram.tsx";
import { WordsAndOutcomes } from "./words-and-outcomes.tsx";

export function ChainFilters({ chains, filter }: { chains: readonly ChainFact[]; filter: ChainFilter }) {
  const datasets = [...new Set(chains.map(({ dataset }) => dataset))].sort();
  const tasks = [...new Set(chains.map(({ task }) => task))].sort();
  const set = (key: string, value: string | undefined) => go({ [key]: value, chain: undefined }, { replace: true });
  // On a phone the chains come first.
  const [isNarrow] = useState(() => matchMedia("(max-width: 820px)").matches);
  return (
    <form class="filters" aria-label="Filter the chains" onSubmit={(event) => event.preventDefault()}>
      <WordsAndOutcomes
        searched="the question or the chain"
        words={filter.words}
        outcome={filter.outcome}
        counts={OUTCOMES.map((outcome) => ({
          outcome,
          count: chains.filter((chain) => isWanted(chain, { outcome })).length,
        }))}
        set={set}
      />
      <details class="more" open={!isNarrow}>
        <summary>Data set, task and reward</summary>
        <div class="selects">
          <Choice
            name="Data set"
            all="all data sets"
            values={datasets}
            value={filter.dataset}
            onChoose={(value) => set("dataset", value)}
          />
          <Choice
            name="Task"
            all="all tasks"
            values={tasks}
            value={filter.task}
            onChoose={(value) => set("task", value)}
          />
        </div>
        <RewardHistogram chains={chains} filter={filter} />
      </details>
      {isFiltering(filter) && (
        <p class="clear">
          {filter.least !== undefined && (
            <span>
              reward {fraction(filter.least)} to {fraction(filter.most)}{" "}
            </span>
          )}
          <button type="button" class="quiet" onClick={() => go(NO_FILTER, { replace: true })}>
            Show all chains
          </button>
        </p>
      )}
    </form>
  );
}
