/** @file The chains of a step: the groups in a list, one of them side by side. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { isWanted } from "../chain-filter.ts";
import type { ChainLine, FoundStep, RunFacts, StepChains } from "../studio-data.ts";
import { ChainFilters } from "./chain-filters.tsx";
import { type ChainGroup, groupsOf } from "./chain-groups.ts";
import { FILTER_KEYS, filterOf, isFiltering } from "./chain-query.ts";
import { GroupList } from "./group-list.tsx";
import { GroupView } from "./group-view.tsx";
import { useKeys } from "./keys.ts";
import { go, type Place } from "./place.ts";
import { ask, ofRun, useAsked, useVersion, withQuery } from "./server.ts";
import { shownStep } from "./step-bar.tsx";

export function ChainsPage({ run, place }: { run: RunFacts; place: Place }) {
  const step = shownStep(run, place);
  if (step === undefined) {
    return (
      <section class="waiting">
        <h1>No chains yet.</h1>
        <p>They are written with each step of training. This page shows them as they come.</p>
      </section>
    );
  }
  return <Step run={run} place={place} step={step} />;
}

function Step({ run, place, step }: { run: RunFacts; place: Place; step: number }) {
  const version = useVersion(run.id);
  const filter = filterOf(place);
  const path = ofRun(run.id, "steps", step);
  // All chains of the step, for the list of data sets and the histogram; the search for words is the server's.
  const all = useAsked<StepChains>(path, version);
  const found = useAsked<StepChains>(
    filter.words === undefined ? undefined : withQuery(path, { words: filter.words }),
    version,
  );
  const chains = all.answer?.chains ?? [];
  const withWords = filter.words === undefined ? chains : (found.answer?.chains ?? []);
  const wanted = new Set(withWords.filter((chain) => isWanted(chain, filter)).map(({ line }) => line));
  const groups = useMemo(() => groupsOf(chains), [all.answer]);
  const shown = groups.filter((group) => group.chains.some(({ line }) => wanted.has(line)));
  const chosen = useChosen(shown, place, all.answer?.step);
  const at = chosen === undefined ? -1 : shown.indexOf(chosen);

  const choose = (index: number) => {
    const group = shown[index];
    if (group) go({ group: String(group.group), chain: undefined }, { replace: true });
  };
  const search = useSearch(run.id, step, place);
  useKeys({
    j: () => choose(at + 1),
    ArrowDown: () => choose(at + 1),
    k: () => choose(at - 1),
    ArrowUp: () => choose(at - 1),
    n: () => search.start(1),
    p: () => search.start(-1),
    t: () => go({ tokens: place.tokens === undefined ? "on" : undefined }, { replace: true }),
    "/": () => document.getElementById("search")?.focus(),
  });

  return (
    <div class="chains">
      <aside aria-label="Groups of the step">
        <ChainFilters chains={chains} filter={filter} />
        {isFiltering(filter) && (
          <div class="found">
            <p role="status">
              {wanted.size} of {chains.length} chains
            </p>
            <SearchButtons search={search} />
          </div>
        )}
        <GroupList run={run.id} groups={shown} wanted={wanted} chosen={chosen?.group} onChoose={choose} />
      </aside>
      {all.answer && all.answer.damaged.length > 0 && (
        <p class="note" role="alert">
          The file of this step has lines that cannot be read: {all.answer.damaged.join(", ")}.
        </p>
      )}
      {chosen && all.answer ? (
        <Group run={run.id} step={all.answer.step} group={chosen} wanted={wanted} place={place} />
      ) : (
        <p class="waiting">
          {all.answer ? "No chain of this step is as you want it." : (all.fault ?? "Reading the step…")}
        </p>
      )}
    </div>
  );
}

/** The whole chains of a group are asked for when it is shown. */
function Group(props: { run: string; step: number; group: ChainGroup; wanted: ReadonlySet<number>; place: Place }) {
  const { run, step, group } = props;
  const lines = group.chains.map(({ line }) => line).join(",");
  const { answer, fault } = useAsked<ChainLine[]>(withQuery(ofRun(run, "steps", step, "chains"), { lines }));
  if (fault) return <p class="waiting">{fault}</p>;
  if (!answer || answer.length === 0) return <p class="waiting">Reading the group…</p>;
  return <GroupView {...props} chains={answer} />;
}

/**
 * The group that is shown: the address's, or else the first. When the step changes, the same sample is looked at again if it was
 * drawn there too: so the slider shows what becomes of it.
 */
function useChosen(groups: readonly ChainGroup[], place: Place, step: number | undefined): ChainGroup | undefined {
  const last = useRef<{ step: number; sample: string } | undefined>(undefined);
  const byAddress = groups.find(({ group }) => String(group) === place.group);
  const again =
    last.current && step !== last.current.step
      ? groups.find(({ chains }) => chains[0]!.id === last.current!.sample)
      : undefined;
  const chosen = again ?? byAddress ?? groups[0];
  useEffect(() => {
    if (!chosen || step === undefined) return;
    last.current = { step, sample: chosen.chains[0]!.id };
    if (place.group !== undefined && place.group !== String(chosen.group)) {
      go({ group: String(chosen.group) }, { replace: true });
    }
  }, [chosen, step]);
  return chosen;
}

interface Search {
  /** What it says: how far it has come, or that there is nothing. */
  readonly note: string | undefined;
  readonly isRunning: boolean;
  readonly start: (direction: 1 | -1) => void;
}

/** Goes through the other steps until one has a chain that the filter wants. */
function useSearch(run: string, step: number, place: Place): Search {
  const [state, set] = useState<{ note?: string; isRunning: boolean }>({ isRunning: false });
  const ended = useRef<AbortController | undefined>(undefined);
  const filter = FILTER_KEYS.map((key) => place[key]).join("\n");
  useEffect(() => {
    ended.current?.abort();
    set({ isRunning: false });
  }, [filter, step]);
  const start = async (direction: 1 | -1) => {
    ended.current?.abort();
    const own = new AbortController();
    ended.current = own;
    set({ isRunning: true });
    for (let from = step; !own.signal.aborted; ) {
      const query = { ...filterOf(place), from, direction };
      const { found, searchedTo, atEnd } = await ask<FoundStep>(withQuery(ofRun(run, "find"), query), own.signal);
      if (found !== null) return go({ step: String(found), group: undefined, chain: undefined });
      if (atEnd)
        return set({ isRunning: false, note: direction > 0 ? "None in later steps." : "None in earlier steps." });
      from = searchedTo;
      set({ isRunning: true, note: `Searched to step ${searchedTo}…` });
    }
  };
  return {
    note: state.note,
    isRunning: state.isRunning,
    start: (direction) =>
      void start(direction).catch((error: Error) => {
        if (error.name !== "AbortError") set({ isRunning: false, note: error.message });
      }),
  };
}

function SearchButtons({ search }: { search: Search }) {
  return (
    <div class="search-steps">
      <button type="button" class="quiet" onClick={() => search.start(-1)}>
        ‹ Earlier step
      </button>
      <button type="button" class="quiet" onClick={() => search.start(1)}>
        Later step ›
      </button>
      {search.note && <span role="status">{search.note}</span>}
    </div>
  );
}
