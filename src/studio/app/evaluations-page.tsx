/** @file The evaluations of a run: a table with intervals, and the answers behind it, of two side by side with what changed. */

import type { AnswerFact, EvaluationTable, RunFacts } from "../studio-data.ts";
import { AnswerPair } from "./answer-pair.tsx";
import { imageOf } from "./boxed-image.tsx";
import { EvaluationRows } from "./evaluation-rows.tsx";
import { useKeys } from "./keys.ts";
import { go, type Place } from "./place.ts";
import { OUTCOMES, outcomesOf, pairsOf, type SamplePair, sampleKey } from "./sample-pairs.ts";
import { ofRun, useAsked, useVersion, withQuery } from "./server.ts";
import { Verdict } from "./verdict.tsx";
import { VirtualList } from "./virtual-list.tsx";
import { WordsAndOutcomes } from "./words-and-outcomes.tsx";

export function EvaluationsPage({ run, place }: { run: RunFacts; place: Place }) {
  const names = run.evaluations;
  const first = names.find((name) => name === place.eval) ?? (names.includes("before") ? "before" : names[0]);
  const byDefault = place.eval === undefined && first !== "after" ? "after" : undefined;
  const second = names.find((name) => name === (place.against ?? byDefault) && name !== first);
  if (first === undefined) {
    return (
      <section class="waiting">
        <h1>No evaluations yet.</h1>
        <p>
          A run has them when its recipe asks held-out sets (<code>eval.every</code>), or when the quickstart made it.
        </p>
      </section>
    );
  }
  return <Evaluations key={`${first} ${second}`} run={run} place={place} first={first} second={second} />;
}

interface EvaluationsProps {
  readonly run: RunFacts;
  readonly place: Place;
  readonly first: string;
  readonly second: string | undefined;
}

function Evaluations({ run, place, first, second }: EvaluationsProps) {
  const version = useVersion(run.id);
  const at = (name: string | undefined) => (name === undefined ? undefined : ofRun(run.id, "evaluations", name));
  const firsts = useAsked<AnswerFact[]>(at(first), version);
  const seconds = useAsked<AnswerFact[]>(at(second), version);
  const table = useAsked<EvaluationTable>(
    withQuery(ofRun(run.id, "evaluations"), { of: first, against: second }),
    version,
  );
  const pairs = pairsOf(firsts.answer ?? [], seconds.answer ?? []);
  const inSet = pairs.filter(({ sample }) => place.dataset === undefined || sample.set === place.dataset);
  const words = place.words?.toLowerCase();
  const shown = inSet.filter(
    (pair) =>
      (place.outcome === undefined || (outcomesOf(pair) as string[]).includes(place.outcome)) &&
      (words === undefined || pair.sample.question.toLowerCase().includes(words)),
  );
  const chosen = shown.find(({ sample }) => sampleKey(sample) === place.sample) ?? shown[0];
  const row = chosen === undefined ? -1 : shown.indexOf(chosen);
  const choose = (index: number) => {
    const pair = shown[index];
    if (pair) go({ sample: sampleKey(pair.sample) }, { replace: true });
  };
  useKeys({
    j: () => choose(row + 1),
    ArrowDown: () => choose(row + 1),
    k: () => choose(row - 1),
    ArrowUp: () => choose(row - 1),
    "/": () => document.getElementById("search")?.focus(),
  });
  const set = (key: string, value: string | undefined) => go({ [key]: value }, { replace: true });
  return (
    <div class="evaluations">
      <section class="page" aria-label="Table">
        <header>
          <h1>Evaluations</h1>
          <Which names={run.evaluations} first={first} second={second} />
        </header>
        {table.answer ? (
          <EvaluationRows
            table={table.answer}
            first={first}
            second={second}
            chosen={place.dataset}
            onChoose={(name) => go({ dataset: name, sample: undefined }, { replace: true })}
          />
        ) : (
          <p class="waiting">{table.fault ?? "Computing the intervals…"}</p>
        )}
      </section>
      <div class="chains">
        <aside aria-label="Samples">
          <form class="filters" aria-label="Filter the samples" onSubmit={(event) => event.preventDefault()}>
            <WordsAndOutcomes
              searched="the question"
              words={place.words}
              outcome={place.outcome}
              counts={OUTCOMES.map((outcome) => ({
                outcome,
                count: inSet.filter((pair) => outcomesOf(pair).includes(outcome)).length,
              })).filter(({ outcome, count }) => count > 0 || place.outcome === outcome)}
              set={set}
            />
            <p class="clear" role="status">
              {shown.length} of {pairs.length} samples
              {place.dataset !== undefined && ` · ${place.dataset}`}
            </p>
          </form>
          <VirtualList count={shown.length} chosen={row} keyOf={(i) => sampleKey(shown[i]!.sample)} onChoose={choose}>
            {(i) => <SampleRow run={run.id} pair={shown[i]!} />}
          </VirtualList>
        </aside>
        {chosen ? (
          <AnswerPair run={run.id} pair={chosen} first={first} second={second} />
        ) : (
          <p class="waiting">
            {firsts.answer ? "No sample is as you want it." : (firsts.fault ?? "Reading the answers…")}
          </p>
        )}
      </div>
    </div>
  );
}

function SampleRow({ run, pair }: { run: string; pair: SamplePair }) {
  const { sample, first, second } = pair;
  return (
    <>
      <img src={imageOf(run, sample.image)} alt="" width="52" height="52" loading="lazy" />
      <span class="question" dir="auto">
        {sample.question}
      </span>
      <span class="about">
        <span>{sample.set}</span>
        <span class="verdicts">{[first, second].map((fact, i) => fact && <Verdict key={i} fact={fact} />)}</span>
      </span>
    </>
  );
}

/** Which evaluation, and which one beside it. */
function Which({ names, first, second }: { names: readonly string[]; first: string; second: string | undefined }) {
  return (
    <p class="which">
      <select
        aria-label="Evaluation"
        value={first}
        onChange={({ currentTarget }) => go({ eval: currentTarget.value, against: second, sample: undefined })}
      >
        {names.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
      {names.length > 1 && (
        <>
          against
          <select
            aria-label="Against"
            value={second ?? ""}
            onChange={({ currentTarget }) =>
              go({ eval: first, against: currentTarget.value || undefined, sample: undefined })
            }
          >
            <option value="">none</option>
            {names
              .filter((name) => name !== first)
              .map((name) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
          </select>
        </>
      )}
    </p>
  );
}
