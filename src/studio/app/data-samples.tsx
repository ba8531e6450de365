/** @file The samples of a data file in a list, filtered and searched, and one of them. */

import { DATA_OUTCOMES } from "../data-filter.ts";
import type { DataCheck, DataFileEntry, DataRow } from "../studio-data.ts";
import { Choice } from "./choice.tsx";
import { DataSampleView } from "./data-sample-view.tsx";
import { useKeys } from "./keys.ts";
import { usePagedRows } from "./paged-rows.ts";
import { go, type Place } from "./place.ts";
import { ofData } from "./server.ts";
import { VirtualList } from "./virtual-list.tsx";
import { WordsAndOutcomes } from "./words-and-outcomes.tsx";

interface DataSamplesProps {
  readonly file: DataFileEntry;
  readonly checks: readonly DataCheck[];
  readonly place: Place;
}

export function DataSamples({ file, checks, place }: DataSamplesProps) {
  const { words, dataset, task } = place;
  const outcome = DATA_OUTCOMES.find((each) => each === place.outcome);
  const { about, row, placeOf, fault } = usePagedRows(ofData(file.id), { words, dataset, task, outcome }, place.line);
  const at = Math.max(0, placeOf(place.line === undefined ? undefined : Number(place.line)));
  const chosen = row(at);
  const choose = (index: number) => {
    const next = row(index);
    if (next) go({ line: String(next.line) }, { replace: true });
  };
  useKeys({
    j: () => choose(at + 1),
    ArrowDown: () => choose(at + 1),
    k: () => choose(at - 1),
    ArrowUp: () => choose(at - 1),
    "/": () => document.getElementById("search")?.focus(),
  });
  const set = (key: string, value: string | undefined) => go({ [key]: value }, { replace: true });
  return (
    <div class="chains">
      <aside aria-label="Samples">
        <form class="filters" aria-label="Filter the samples" onSubmit={(event) => event.preventDefault()}>
          <WordsAndOutcomes
            searched="question, answer or id"
            words={words}
            outcome={outcome}
            counts={DATA_OUTCOMES.map((each) => ({ outcome: each, count: about?.outcomes[each] ?? 0 })).filter(
              ({ outcome: each, count }) => count > 0 || outcome === each,
            )}
            set={set}
          />
          <div class="selects">
            <Choice
              name="Data set"
              all="all data sets"
              values={about?.datasets ?? []}
              value={dataset}
              onChoose={(value) => set("dataset", value)}
            />
            <Choice
              name="Task"
              all="all tasks"
              values={about?.tasks ?? []}
              value={task}
              onChoose={(value) => set("task", value)}
            />
          </div>
          <p class="clear" role="status">
            {about && `${about.wanted} of ${about.lines} samples`}
          </p>
        </form>
        <VirtualList
          count={about?.wanted ?? 0}
          chosen={about ? at : -1}
          keyOf={(place) => row(place)?.line ?? `place ${place}`}
          onChoose={choose}
        >
          {(place) => <Row file={file.id} row={row(place)} />}
        </VirtualList>
      </aside>
      {chosen ? (
        <DataSampleView key={chosen.line} file={file} line={chosen.line} checks={checks} />
      ) : (
        <p class="waiting">
          {fault ?? (about?.wanted === 0 ? "No sample is as you want it." : "Reading the samples…")}
        </p>
      )}
    </div>
  );
}

function Row({ file, row }: { file: string; row: DataRow | undefined }) {
  if (!row) return <span class="question">…</span>;
  const { line, id, dataset, question, boxes, fault } = row;
  if (fault !== undefined) {
    return (
      <>
        <span class="question bad">{fault}</span>
        <span class="about">{id}</span>
      </>
    );
  }
  return (
    <>
      <img src={ofData(file, "lines", line, "image")} alt="" width="52" height="52" loading="lazy" />
      <span class="question" dir="auto">
        {question}
      </span>
      <span class="about">
        <span>{dataset}</span>
        <span>{boxes === 1 ? "1 box" : `${boxes} boxes`}</span>
      </span>
    </>
  );
}
