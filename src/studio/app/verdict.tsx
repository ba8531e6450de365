/** @file Whether an answer is right, as a sign. */

import { isRight } from "../../report/examples.ts";
import type { AnswerFact } from "../studio-data.ts";

/** Right, wrong, or neither. */
export function Verdict({
  fact,
  inWords = false,
}: {
  fact: Pick<AnswerFact, "acc" | "giou" | "unscored">;
  inWords?: boolean;
}) {
  const right = isRight(fact);
  const word = right === undefined ? "unscored" : right ? "right" : "wrong";
  const sign = { right: "✓", wrong: "✗", unscored: "–" }[word];
  return (
    <span class={right === undefined ? "" : right ? "good" : "bad"} title={fact.unscored}>
      {sign}
      <span class={inWords ? "" : "unseen"}> {word}</span>
    </span>
  );
}
