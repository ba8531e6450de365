/** @file All runs under the folder: how far each has come, its key numbers, and the choice of some to compare. */

import { useState } from "preact/hooks";
import { compact, duration, fraction, known, type Maybe, percent } from "../../report/number-format.ts";
import type { MetricColumns, RunEntry, RunList } from "../studio-data.ts";
import { Link } from "./link.tsx";
import { go } from "./place.ts";
import { StateChip } from "./run-parts.tsx";
import { ofRun, useAsked, useVersion, withQuery } from "./server.ts";
import { sparkPath } from "./spark.ts";

/** The key numbers: what the list shows of a run's first and last step. */
const NUMBERS: readonly { readonly title: string; readonly of: string; readonly write: (value: Maybe) => string }[] = [
  { title: "reward", of: "reward.mean", write: compact },
  { title: "accuracy, %", of: "accuracy", write: percent },
  { title: "IoU", of: "giou", write: fraction },
  { title: "KL", of: "kl", write: compact },
];

export function RunsPage({ list }: { list: RunList }) {
  const [chosen, choose] = useState<readonly string[]>([]);
  const { folder, runs } = list;
  if (runs.length === 0) {
    return (
      <section class="page waiting">
        <h1>No runs yet.</h1>
        <p>
          There is no run folder in <code>{folder}</code>. Start one with <code>npm run quickstart</code> or{" "}
          <code>npx grit train</code>: it appears here at once.
        </p>
      </section>
    );
  }
  const ordered = runs.toSorted(
    (a, b) => Number(b.state === "training") - Number(a.state === "training") || b.changed - a.changed,
  );
  const compare = () => {
    const [first, ...others] = ordered.map(({ id }) => id).filter((id) => chosen.includes(id));
    go({ view: "curves", run: first, with: others.join(","), step: undefined, group: undefined, chain: undefined });
  };
  return (
    <section class="page runs">
      <header>
        <h1>Runs</h1>
        <p class="lead">
          In <code>{folder}</code>. Numbers are those of the first and the last step of training.
        </p>
        <button type="button" onClick={compare} disabled={chosen.length < 2}>
          {chosen.length < 2 ? "Choose runs to compare" : `Compare ${chosen.length} runs`}
        </button>
      </header>
      <ul>
        {ordered.map((run) => (
          <RunRow
            key={run.id}
            run={run}
            isChosen={chosen.includes(run.id)}
            onChoose={(on) => choose(on ? [...chosen, run.id] : chosen.filter((id) => id !== run.id))}
          />
        ))}
      </ul>
    </section>
  );
}

interface RunRowProps {
  readonly run: RunEntry;
  readonly isChosen: boolean;
  readonly onChoose: (on: boolean) => void;
}

function RunRow({ run, isChosen, onChoose }: RunRowProps) {
  const { id, state, step, steps, secondsLeft, model, method, seed, fault, changed } = run;
  const share = steps ? Math.min(1, step / steps) : 0;
  return (
    <li class="run">
      <label class="choose">
        <input
          type="checkbox"
          checked={isChosen}
          onChange={({ currentTarget }) => onChoose(currentTarget.checked)}
          aria-label={`Compare ${id}`}
        />
      </label>
      <div class="name">
        <h2>
          <Link to={{ view: "chains", run: id, step: undefined, group: undefined, with: undefined }}>{id}</Link>
        </h2>
        <p>
          {[model && shortName(model), method, seed !== null && `seed ${seed}`].filter(Boolean).join(" · ")}
          {fault && <span class="bad"> {fault}</span>}
        </p>
      </div>
      <div class="come">
        <p>
          <StateChip state={state} />
          <span>
            {step}
            {steps !== null && ` of ${steps}`} steps
          </span>
        </p>
        <span class="rail" aria-hidden="true">
          <i style={{ width: `${share * 100}%` }} />
        </span>
        <p class="when">{secondsLeft !== null ? `${duration(secondsLeft)} left` : <Ago at={changed} />}</p>
      </div>
      <Shape run={id} />
      <dl class="numbers">
        {NUMBERS.map(({ title, of, write }) => (
          <div key={of}>
            <dt>{title}</dt>
            <dd>
              {known(run.first[of]) && run.first[of] !== run.last[of] && <span>{write(run.first[of])} → </span>}
              {write(run.last[of])}
            </dd>
          </div>
        ))}
      </dl>
      <p class="ways">
        <Link
          to={{ view: "curves", run: id, step: undefined, group: undefined, with: undefined }}
          label={`Curves of ${id}`}
        >
          Curves
        </Link>
        <Link
          to={{ view: "chains", run: id, step: undefined, group: undefined, with: undefined }}
          label={`Chains of ${id}`}
        >
          Chains
        </Link>
      </p>
    </li>
  );
}

/** The curve of the reward, small. */
function Shape({ run }: { run: string }) {
  const { answer } = useAsked<MetricColumns>(
    withQuery(ofRun(run, "metrics"), { names: "reward.mean" }),
    useVersion(run),
  );
  const path = sparkPath(answer?.columns["reward.mean"] ?? [], { width: 120, height: 32, points: 120 });
  return (
    <svg class="shape" viewBox="0 -2 120 36" preserveAspectRatio="none" aria-hidden="true">
      <path d={path} />
    </svg>
  );
}

function Ago({ at }: { at: number }) {
  const date = new Date(at);
  return (
    <time dateTime={date.toISOString()}>{date.toLocaleString("en", { dateStyle: "medium", timeStyle: "short" })}</time>
  );
}

/** The last part of a path; a name of the hub as it is. */
function shortName(model: string): string {
  return model.startsWith("/") ? model.slice(model.lastIndexOf("/") + 1) : model;
}
