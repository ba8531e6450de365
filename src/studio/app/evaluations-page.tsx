/** @file Evaluations, of runs and by themselves: a table with intervals, and the answers behind it, of two side by side with what changed. */

import type { AnswerFact, EvaluationEntry, EvaluationTable } from "../studio-data.ts";
import { AnswerPair } from "./answer-pair.tsx";
import { EvaluationRows } from "./evaluation-rows.tsx";
import { useKeys } from "./keys.ts";
import { go, type Place } from "./place.ts";
import { OUTCOMES, outcomesOf, pairsOf, type SamplePair, type ShownEvaluation, sampleKey } from "./sample-pairs.ts";
import { ofEvaluation, useAsked, useVersion, withQuery } from "./server.ts";
import { Verdict } from "./verdict.tsx";
import { VirtualList } from "./virtual-list.tsx";
import { WordsAndOutcomes } from "./words-and-outcomes.tsx";

export function EvaluationsPage({ run, place }: { run: string | undefined; place: Place }) {
  const { answer: all, fault } = useAsked<EvaluationEntry[]>("/api/evaluations", useVersion());
  if (!all) return <p class="waiting">{fault ?? "Looking for evaluations…"}</p>;
  const own = all.filter((each) => each.run === run);
  const named = (id: string | undefined) => all.find((each) => each.id === id);
  const before = named(`${run}/eval/before`);
  const first = named(place.eval) ?? before ?? own[0] ?? all[0];
  const beside = place.against ?? (place.eval === undefined && first === before ? `${run}/eval/after` : undefined);
  const second = beside === first?.id ? undefined : named(beside);
  if (first === undefined) {
    return (
      <section class="waiting">
        <h1>No evaluations yet.</h1>
        <p>
          A run has them when its recipe asks held-out sets (<code>eval.every</code>), or when the quickstart made it.
          What <code>npx grit eval --out</code> writes under this folder is shown too.
        </p>
      </section>
    );
  }
  const shown = [first, ...(second ? [second] : [])].map(({ id }) => ({ id, name: nameIn(run, id) }));
  return (
    <Evaluations
      key={`${first.id} ${second?.id}`}
      run={run}
      all={all}
      place={place}
      first={shown[0]!}
      second={shown[1]}
    />
  );
}

/** The last part of the path for evaluations of the run itself; else the path without the folder that all of them lie in. */
function nameIn(run: string | undefined, id: string): string {
  const home = `${run}/eval/`;
  return id.startsWith(home) ? id.slice(home.length) : id.replace("/eval/", "/");
}

interface EvaluationsProps {
  readonly run: string | undefined;
  readonly all: readonly EvaluationEntry[];
  readonly place: Place;
  readonly first: ShownEvaluation;
  readonly second: ShownEvaluation | undefined;
}

function Evaluations({ run, all, place, first, second }: EvaluationsProps) {
  const versions = [useVersion(first.id), useVersion(second?.id)];
  const at = (shown: ShownEvaluation | undefined) => (shown === undefined ? undefined : ofEvaluation(shown.id));
  const firsts = useAsked<AnswerFact[]>(at(first), versions[0]);
  const seconds = useAsked<AnswerFact[]>(at(second), versions[1]);
  const table = useAsked<EvaluationTable>(
    withQuery(ofEvaluation(first.id, "table"), { against: second?.id }),
    versions[0]! + versions[1]!,
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
    <div class="survey">
      <section class="page" aria-label="Table">
        <header>
          <h1>Evaluations</h1>
          <Which run={run} all={all} first={first.id} second={second?.id} />
        </header>
        {table.answer ? (
          <EvaluationRows
            table={table.answer}
            first={first.name}
            second={second?.name}
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
            {(i) => <SampleRow pair={shown[i]!} first={first} second={second} />}
          </VirtualList>
        </aside>
        {chosen ? (
          <AnswerPair pair={chosen} first={first} second={second} />
        ) : (
          <p class="waiting">
            {firsts.answer ? "No sample is as you want it." : (firsts.fault ?? "Reading the answers…")}
          </p>
        )}
      </div>
    </div>
  );
}

function SampleRow({
  pair,
  first,
  second,
}: {
  pair: SamplePair;
  first: ShownEvaluation;
  second: ShownEvaluation | undefined;
}) {
  const { sample } = pair;
  const [evaluation, fact] = pair.first ? [first, pair.first] : [second!, pair.second!];
  return (
    <>
      <img src={ofEvaluation(evaluation.id, "images", fact.line)} alt="" width="52" height="52" loading="lazy" />
      <span class="question" dir="auto">
        {sample.question}
      </span>
      <span class="about">
        <span>{sample.set}</span>
        <span class="verdicts">
          {[pair.first, pair.second].map((each, i) => each && <Verdict key={i} fact={each} />)}
        </span>
      </span>
    </>
  );
}

interface WhichProps {
  readonly run: string | undefined;
  readonly all: readonly EvaluationEntry[];
  readonly first: string;
  readonly second: string | undefined;
}

/** Which evaluation, and which one beside it. */
function Which({ run, all, first, second }: WhichProps) {
  return (
    <p class="which">
      <select
        aria-label="Evaluation"
        value={first}
        onChange={({ currentTarget }) => go({ eval: currentTarget.value, against: second, sample: undefined })}
      >
        <Choices run={run} all={all} />
      </select>
      {all.length > 1 && (
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
            <Choices run={run} all={all.filter(({ id }) => id !== first)} />
          </select>
        </>
      )}
    </p>
  );
}

/** Those of the run first. */
function Choices({ run, all }: Pick<WhichProps, "run" | "all">) {
  const own = all.filter((each) => each.run === run);
  return (
    <>
      {[...own, ...all.filter((each) => !own.includes(each))].map(({ id }) => (
        <option key={id} value={id}>
          {nameIn(run, id)}
        </option>
      ))}
    </>
  );
}
