/**
 * @file Tries hostile inputs of every kind and prints how they end.
 *
 *     npm run test:hostile                              # 50 of every kind
 *     npm run test:hostile -- --seed 2 --count 200      # others, and more
 *     npm run test:hostile -- --kind config --show      # one kind; prints each error
 *
 * Exit code 1 when any ends otherwise than in a clear error.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { kinds, makeInput, OUTCOMES, type Trial, Trials } from "./hostile.ts";

/** Seconds after which a command has hung. */
const MOST_SECONDS = 10;

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    count: { type: "string", default: "50" },
    kind: { type: "string", multiple: true, default: kinds() },
    show: { type: "boolean", default: false },
  },
});

const scratch = mkdtempSync(join(tmpdir(), "grit-hostile-"));
const trials = new Trials(scratch, MOST_SECONDS);
const done: Trial[] = [];
try {
  for (const kind of values.kind)
    for (let index = 0; index < Number(values.count); index++) {
      const trial = await trials.try(kind, index, await makeInput(kind, Number(values.seed), index));
      done.push(trial);
      if (values.show || trial.outcome !== "clear")
        console.log(
          `${trial.outcome}: ${kind} ${index}, ${trial.input.name}\n  ${trial.detail.replaceAll("\n", "\n  ")}`,
        );
    }
} finally {
  await trials.close();
  rmSync(scratch, { recursive: true, force: true });
}

const count = (kind: string, outcome: string) => done.filter((t) => t.kind === kind && t.outcome === outcome).length;
const slowest = (kind: string) =>
  Math.max(...done.filter((trial) => trial.kind === kind).map(({ seconds }) => seconds));
console.table(
  Object.fromEntries(
    values.kind.map((kind) => [
      kind,
      {
        ...Object.fromEntries(OUTCOMES.map((outcome) => [outcome, count(kind, outcome)])),
        slowest: `${slowest(kind).toFixed(1)} s`,
      },
    ]),
  ),
);
const bad = done.filter(({ outcome }) => outcome !== "clear").length;
console.log(
  `${done.length} hostile inputs of seed ${values.seed}: ${done.length - bad} end in a clear error, ${bad} do not.`,
);
process.exitCode = bad > 0 ? 1 : 0;
