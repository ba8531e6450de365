/** @file One sample as one or two evaluations answered it, with the true boxes dashed. */

import { useState } from "preact/hooks";
import { fraction, known } from "../../report/number-format.ts";
import type { ReadAnswer } from "../../run/lines.ts";
import type { AnswerFact } from "../studio-data.ts";
import { BoxedImage } from "./boxed-image.tsx";
import { Fact } from "./fact.tsx";
import { MarkedText } from "./marked-text.tsx";
import type { SamplePair, ShownEvaluation } from "./sample-pairs.ts";
import { ofEvaluation, useAsked, withQuery } from "./server.ts";
import { Verdict } from "./verdict.tsx";

interface AnswerPairProps {
  readonly pair: SamplePair;
  readonly first: ShownEvaluation;
  readonly second: ShownEvaluation | undefined;
}

export function AnswerPair({ pair, first, second }: AnswerPairProps) {
  const { sample } = pair;
  return (
    <section class="group" aria-label="Sample">
      <header>
        <p class="chips">
          <span class="chip">{sample.set}</span>
          <span class="id">{sample.id}</span>
        </p>
        <h1 dir="auto">{sample.question}</h1>
      </header>
      <div class="cards">
        {pair.first && <AnswerCard key={`first ${sample.id}`} evaluation={first} fact={pair.first} />}
        {pair.second && second !== undefined && (
          <AnswerCard key={`second ${sample.id}`} evaluation={second} fact={pair.second} />
        )}
      </div>
    </section>
  );
}

function AnswerCard({ evaluation, fact }: { evaluation: ShownEvaluation; fact: AnswerFact }) {
  const [lit, point] = useState<number | undefined>(undefined);
  const { answer: answers, fault } = useAsked<ReadAnswer[]>(
    withQuery(ofEvaluation(evaluation.id, "answers"), { lines: fact.line }),
  );
  const answer = answers?.find(({ id, set }) => id === fact.id && set === fact.set);
  return (
    <article class="card" aria-label={evaluation.name}>
      <header>
        <h2>{evaluation.name}</h2>
        <Verdict fact={fact} inWords />
      </header>
      {answer ? (
        <div class="parts">
          <div class="seen">
            <BoxedImage
              src={ofEvaluation(evaluation.id, "images", fact.line)}
              width={answer.width}
              height={answer.height}
              boxes={answer.boxes}
              truth={answer.gtBoxes}
              lit={lit}
              onPoint={point}
              label={`The image of the question, with ${answer.boxes.length} boxes of the model and ${answer.gtBoxes.length} true ones`}
            />
          </div>
          <div class="said">
            <MarkedText text={answer.text} boxes={answer.boxes} lit={lit} onPoint={point} />
            {answer.ending === "length" && <p class="note">Cut off at the token limit.</p>}
          </div>
          <dl class="terms outcome">
            {answer.acc !== null && <Fact name="gold" value={answer.answer} />}
            <Fact name="answered" value={answer.response || "nothing"} />
            {known(answer.giou) && <Fact name="IoU" value={fraction(answer.giou)} />}
          </dl>
        </div>
      ) : (
        <p class="waiting">{fault ?? "Reading the answer…"}</p>
      )}
    </article>
  );
}
