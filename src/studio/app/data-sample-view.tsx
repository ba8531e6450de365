/** @file One sample of a data file: its image with the gold boxes, its question, its answer, and what checks found in its line. */

import { useState } from "preact/hooks";
import type { DataCheck, DataFileEntry, DataSample } from "../studio-data.ts";
import { BoxedImage } from "./boxed-image.tsx";
import { Fact } from "./fact.tsx";
import { ofData, useAsked } from "./server.ts";

interface DataSampleViewProps {
  readonly file: DataFileEntry;
  readonly line: number;
  readonly checks: readonly DataCheck[];
}

export function DataSampleView({ file, line, checks }: DataSampleViewProps) {
  const [lit, point] = useState<number | undefined>(undefined);
  const { answer: sample, fault } = useAsked<DataSample>(ofData(file.id, "lines", line));
  if (!sample) return <p class="waiting">{fault ?? "Reading the sample…"}</p>;
  const found = checks
    .flatMap(({ refusals, warnings }) => [...refusals, ...warnings])
    .filter(({ at = [] }) => at.some((each) => each.file === file.path && each.line === line));
  return (
    <section class="group" aria-label="Sample">
      <header>
        <p class="chips">
          {sample.dataset && <span class="chip">{sample.dataset}</span>}
          {sample.fault === undefined && <span class="chip">{sample.task}</span>}
          {sample.split && <span class="chip">{sample.split}</span>}
          <span class="id">
            {sample.id} · line {line}
          </span>
        </p>
        <h1 dir="auto">{sample.question || "This line is no sample."}</h1>
        {sample.fault === undefined && (
          <p class="gold">
            answer <b dir="auto">{sample.answer}</b>
          </p>
        )}
      </header>
      {sample.fault !== undefined && <p class="note">{sample.fault}</p>}
      {found.map(({ key, what, remedy }, i) => (
        <p key={i} class="note">
          <b>{key}</b>: {what} {remedy}
        </p>
      ))}
      {sample.fault === undefined && (
        <article class="card" aria-label="Gold boxes">
          <div class="parts">
            <div class="seen">
              {sample.size ? (
                <BoxedImage
                  src={ofData(file.id, "lines", line, "image")}
                  {...sample.size}
                  boxes={sample.quads.map((box) => ({ box }))}
                  lit={lit}
                  onPoint={point}
                  label={`The image of the question, with ${sample.quads.length} gold boxes`}
                />
              ) : (
                <p class="empty-picture">The image {sample.imageFault}.</p>
              )}
            </div>
            <div class="said">
              <Quads quads={sample.quads} lit={lit} onPoint={point} />
            </div>
            <dl class="terms outcome">
              <Fact name="image" value={sample.image} />
              {sample.size && <Fact name="size" value={`${sample.size.width} × ${sample.size.height}`} />}
              {sample.choices.length > 0 && <Fact name="choices" value={sample.choices.join(" · ")} />}
              {sample.keyWords.length > 0 && <Fact name="key words" value={sample.keyWords.join(" · ")} />}
            </dl>
          </div>
        </article>
      )}
    </section>
  );
}

interface QuadsProps {
  readonly quads: DataSample["quads"];
  readonly lit: number | undefined;
  readonly onPoint: (box: number | undefined) => void;
}

/** The boxes as the line has them; each lights the one on the image. */
function Quads({ quads, lit, onPoint }: QuadsProps) {
  if (quads.length === 0) return <p class="text empty">No gold boxes.</p>;
  return (
    <ol class="quads">
      {quads.map((quad, i) => (
        <li key={i}>
          <button
            type="button"
            class={`b${i % 8}${lit === i ? " lit" : ""}`}
            onPointerEnter={() => onPoint(i)}
            onPointerLeave={() => onPoint(undefined)}
            onFocus={() => onPoint(i)}
            onBlur={() => onPoint(undefined)}
          >
            <b>{i + 1}</b> [{quad.join(", ")}]
          </button>
        </li>
      ))}
    </ol>
  );
}
