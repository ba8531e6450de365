/** @file A data file that a recipe names: what checks of recipes found in it, and its samples with their gold boxes. */

import type { DataCheck, DataFileEntry } from "../studio-data.ts";
import { DataChecks } from "./data-checks.tsx";
import { DataSamples } from "./data-samples.tsx";
import { go, type Place } from "./place.ts";
import { ofData, useAsked, useVersion } from "./server.ts";

export function DataPage({ run, place }: { run: string | undefined; place: Place }) {
  const version = useVersion();
  const { answer: files, fault } = useAsked<DataFileEntry[]>("/api/data", version);
  const own = (files ?? []).filter(({ uses }) => uses.some(({ by }) => by === run));
  const file = (files ?? []).find(({ id }) => id === place.file) ?? own[0] ?? files?.[0];
  const checks = useAsked<DataCheck[]>(file && ofData(file.id, "checks"), version);
  if (!files) return <p class="waiting">{fault ?? "Looking for data files…"}</p>;
  if (!file) {
    return (
      <section class="waiting">
        <h1>No data files yet.</h1>
        <p>
          Those are shown that a recipe names: train with it, or check it with <code>npx grit check RECIPE.yaml</code>.
        </p>
      </section>
    );
  }
  const others = files.filter((each) => !own.includes(each));
  return (
    <div class="survey data">
      <section class="page" aria-label="Data file">
        <header>
          <h1>Data</h1>
          <select
            aria-label="Data file"
            value={file.id}
            onChange={({ currentTarget }) =>
              go({ ...NO_SAMPLE, dataset: undefined, task: undefined, file: currentTarget.value })
            }
          >
            {[...own, ...others].map((each) => (
              <option key={each.id} value={each.id}>
                {nameOf(each, run)}
              </option>
            ))}
          </select>
        </header>
        <p class="lead">
          <code>{file.path}</code> {usesOf(file)}
        </p>
        <DataChecks file={file} checks={checks.answer} fault={checks.fault} />
      </section>
      {file.isThere ? (
        <DataSamples key={file.id} file={file} checks={checks.answer ?? []} place={place} />
      ) : (
        <p class="waiting">The file is no longer there.</p>
      )}
    </div>
  );
}

/** The keys of the address that belong to one file. */
const NO_SAMPLE = { line: undefined, words: undefined, outcome: undefined };

/** What the file is for, in the run that is shown if it has a part in it, and its name. */
function nameOf({ path, uses }: DataFileEntry, run: string | undefined): string {
  const { as } = uses.find(({ by }) => by === run) ?? uses[0]!;
  return `${as} · ${path.slice(path.lastIndexOf("/") + 1)}`;
}

function usesOf({ uses }: DataFileEntry): string {
  return uses.map(({ by, as }) => (as === "train" ? `trains ${by}` : `is ${as} of ${by}`)).join(", ");
}
