/** @file The frame of the page: where the reader is, the run that is looked at, and how far it has come. */

import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import type { RunFacts, RunList } from "../studio-data.ts";
import { NO_FILTER } from "./chain-query.ts";
import { ChainsPage } from "./chains-page.tsx";
import { CurvesPage } from "./curves-page.tsx";
import { DataPage } from "./data-page.tsx";
import { EvaluationsPage } from "./evaluations-page.tsx";
import { Link } from "./link.tsx";
import { type Place, usePlace, type View } from "./place.ts";
import { RunPicker, RunProgress } from "./run-parts.tsx";
import { RunsPage } from "./runs-page.tsx";
import { ofRun, useAsked, useVersion } from "./server.ts";
import { StepBar } from "./step-bar.tsx";
import { TryPage } from "./try-page.tsx";

const TITLES: Readonly<Record<View, string>> = {
  runs: "Runs",
  curves: "Curves",
  chains: "Chains",
  evaluations: "Evaluations",
  data: "Data",
  try: "Try",
};

/** Those that show something without a run. */
const WITHOUT_RUN: readonly View[] = ["runs", "evaluations", "data", "try"];

export function Shell() {
  const place = usePlace();
  const list = useAsked<RunList>("/api/runs", useVersion());
  const runs = list.answer?.runs ?? [];
  const run = place.run ?? (runs.length === 1 ? runs[0]!.id : undefined);
  const view = viewOf(place, run);
  const facts = useAsked<RunFacts>(run === undefined ? undefined : ofRun(run), useVersion(run));
  const shown = facts.answer?.id === run ? facts.answer : undefined;

  useEffect(() => {
    document.title = [run, TITLES[view], "GRIT studio"].filter((part) => part !== undefined).join(" · ");
  }, [run, view]);

  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header class="shell">
        <Link class="mark" to={{ view: "runs" }}>
          GRIT <span>studio</span>
        </Link>
        <nav aria-label="Views">
          {(Object.keys(TITLES) as View[]).map((each) => (
            <Link
              key={each}
              to={{ ...NO_FILTER, view: each, run }}
              current={each === view}
              disabled={run === undefined && !WITHOUT_RUN.includes(each)}
            >
              {TITLES[each]}
            </Link>
          ))}
        </nav>
        {view !== "runs" && runs.length > 0 && <RunPicker runs={runs} chosen={run} />}
        {shown && <RunProgress run={shown} />}
      </header>
      <main id="main" tabIndex={-1}>
        <Content fault={list.fault ?? facts.fault}>{page(view, place, list.answer, run, shown)}</Content>
      </main>
    </>
  );
}

/** What the address names; else the chains of the run, or the list. */
function viewOf(place: Place, run: string | undefined): View {
  const [named] = Object.keys(TITLES).filter((view) => view === place.view) as View[];
  if (run === undefined) return named !== undefined && WITHOUT_RUN.includes(named) ? named : "runs";
  return named ?? "chains";
}

function page(
  view: View,
  place: Place,
  list: RunList | undefined,
  shownRun: string | undefined,
  run: RunFacts | undefined,
): ComponentChildren {
  if (view === "runs") return list && <RunsPage list={list} />;
  if (view === "try")
    return list && (run !== undefined || place.run === undefined) && <TryPage key={run?.id} run={run} />;
  if (view === "evaluations") return <EvaluationsPage run={shownRun} place={place} />;
  if (view === "data") return <DataPage run={shownRun} place={place} />;
  if (!run) return <p class="waiting">Reading the run…</p>;
  return (
    <>
      <StepBar run={run} place={place} />
      {view === "curves" ? (
        <CurvesPage run={run} runs={list?.runs ?? []} place={place} />
      ) : (
        <ChainsPage run={run} place={place} />
      )}
    </>
  );
}

function Content({ fault, children }: { fault: string | undefined; children: ComponentChildren }) {
  if (fault === undefined) return <>{children}</>;
  return (
    <section class="fault" role="alert">
      <h1>This cannot be shown.</h1>
      <p>{fault}</p>
      <p>
        <Link to={{ view: "runs", run: undefined }}>See all runs</Link>
      </p>
    </section>
  );
}
