import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { advantages } from "../objective/advantage.ts";
import type { Group, Score } from "../records.ts";
import { makeRollout } from "../rewards/fixtures.ts";
import { type Metrics, type MetricsLine, metricsSchema } from "../run/lines.ts";
import { stepLine, type Update } from "../step-metrics.ts";
import { Stopwatch } from "../util/stopwatch.ts";
import { begun, Watch } from "./watch.ts";

/** What one chain says, and what its terms give. */
interface Said {
  readonly boxes?: readonly string[];
  readonly rethink?: string;
  readonly answer?: string;
  readonly tokens?: number;
  readonly cut?: boolean;
  readonly terms?: Readonly<Record<string, Score>>;
}

/** Four chains about two cats. The first two are right; all name boxes that fit, and answer as they think. */
const HEALTHY: readonly Said[] = [
  { terms: { answer: 1, grounding: 0.5 } },
  { terms: { answer: 1, grounding: 0.5 } },
  { answer: "3", rethink: "There are 3 cats.", terms: { answer: 0, grounding: 0.5 } },
  { answer: "4", rethink: "There are 4 cats.", terms: { answer: 0, grounding: 0 } },
];

const BOXES = ["[10, 10, 90, 90]", "[200, 10, 280, 90]"];

function groupOf(chains: readonly Said[]): Group {
  const totals = chains.map(({ terms = {} }): Score => {
    const values = Object.values(terms);
    return values.every((term) => typeof term === "number")
      ? values.reduce((sum, term) => sum + term, 0)
      : { unscored: "a term has no score" };
  });
  const [A] = advantages([totals], "group");
  return {
    sample: makeRollout("").sample,
    prompt: { ids: [], images: [] },
    rollouts: chains.map((said, k) => {
      const { boxes = BOXES, rethink = "There are 2 cats.", answer = "2", tokens = 40, cut = false, terms = {} } = said;
      const text = `<think> ${boxes.join(" ")} </think> <rethink> ${rethink} </rethink> <answer> ${answer}`;
      const ids = Array.from({ length: tokens }, (_, i) => i);
      return {
        completion: { ids, logprobs: ids.map(() => -1), text, ending: cut ? ("length" as const) : ("stop" as const) },
        chain: makeRollout(text).chain,
        scores: { terms, total: totals[k]! },
        advantage: A![k]!,
      };
    }),
  };
}

const UPDATE: Update = {
  loss: 0,
  tokens: 160,
  kl: 0.02,
  entropy: 0.2,
  clipFraction: 0,
  mismatchMean: 0,
  mismatchMax: 0,
  gradNorm: 0.3,
  skipped: false,
  notFinite: [],
  spoilt: undefined,
};

/** How a step goes: its four groups and its update. */
interface Step {
  readonly chains?: readonly Said[];
  readonly update?: Partial<Update>;
}

function lineOf(step: number, { chains = HEALTHY, update = {} }: Step): MetricsLine {
  const groups = Array.from({ length: 4 }, () => groupOf(chains));
  return stepLine(step, groups, [{ ...UPDATE, ...update }], 1e-6, new Stopwatch());
}

/** The lines of a run whose steps go as `at` says. */
function runOf(steps: number, at: (step: number) => Step): Metrics[] {
  const watch = new Watch();
  return Array.from({ length: steps }, (_, i) => watch.after(lineOf(i + 1, at(i + 1))));
}

/** `name since` of all alarms of a run. */
const rang = (lines: readonly Metrics[]) => [
  ...new Set(lines.flatMap(({ alarms = [] }) => alarms.map(({ name, since }) => `${name} ${since}`))),
];

const all = (change: Partial<Said>) => HEALTHY.map((said) => ({ ...said, ...change }));

// What alarms look at in the metrics of `grit train tiny`, the training of the quickstart, in four digits.
test("nothing rings on the quickstart, as it was recorded", () => {
  const path = new URL("../../test/golden/quickstart-metrics.jsonl", import.meta.url);
  const recorded = readFileSync(path, "utf8").trimEnd().split("\n");
  const watch = new Watch();
  const lines = recorded.map((line) => watch.after(metricsSchema.parse(JSON.parse(line)) as MetricsLine));
  expect(lines).toHaveLength(30);
  expect(lines.every(({ signs }) => signs.chains === 120)).toBe(true);
  expect(rang(lines)).toEqual([]);
});

test("nothing rings on a run that is well", () => {
  expect(rang(runOf(30, () => ({})))).toEqual([]);
});

/** What goes wrong from step 5 on, and the step at which its alarm rings. */
const WRONG: readonly (readonly [name: string, since: number, step: Step])[] = [
  ["groups-all-right", 12, { chains: all({ terms: { answer: 1, grounding: 0.5 } }) }],
  ["groups-all-wrong", 12, { chains: all({ answer: "5", rethink: "So 5.", terms: { answer: 0, grounding: 0.5 } }) }],
  [
    "groups-alike",
    12,
    { chains: HEALTHY.map((said, k) => ({ ...said, terms: { answer: k < 2 ? 1 : 0, other: k < 2 ? 0 : 1 } })) },
  ],
  ["kl-runaway", 8, { update: { kl: 1.5 } }],
  ["length-collapse", 12, { chains: all({ tokens: 9 }) }],
  ["length-blow-up", 12, { chains: all({ tokens: 200 }) }],
  ["cut-off", 9, { chains: all({ cut: true }) }],
  ["repeated-boxes", 8, { chains: all({ boxes: ["[10, 10, 90, 90]", "[11, 10, 91, 90]"] }) }],
  ["whole-image-boxes", 8, { chains: all({ boxes: ["[0, 0, 640, 480]"] }) }],
  ["answer-against-rethink", 8, { chains: all({ rethink: "There are 9 cats." }) }],
  ["judge-drift", 8, { chains: all({ answer: "5", rethink: "So 5." }) }],
  [
    "unscored-chains",
    12,
    { chains: HEALTHY.map((said, k) => (k > 0 ? said : { terms: { answer: { unscored: "out" }, grounding: 0.5 } })) },
  ],
  [
    "opposed-terms",
    8,
    {
      chains: HEALTHY.map((said, k) => ({ ...said, terms: { answer: k < 2 ? 1 : 0, brevity: k < 2 ? 0.1 * k : 0.5 } })),
    },
  ],
  ["skipped-updates", 8, { update: { skipped: true, notFinite: ["gradient"], gradNorm: Number.NaN } }],
];

describe.each(WRONG)("%s", (name, since, wrong) => {
  const lines = runOf(20, (step) => (step < 5 ? {} : wrong));

  test("rings once it is sure, and says what to do", () => {
    expect(rang(lines).filter((alarm) => alarm.startsWith(name))).toEqual([`${name} ${since}`]);
    const alarm = lines.at(-1)!.alarms!.find((each) => each.name === name)!;
    expect(alarm.message).toMatch(/^[A-Z0-9].*steps (13|17) to 20.*\.$/);
    expect(alarm.remedy).toMatch(/\b(data|steps|group_size|sampling|optimizer|loss|rewards|judge|image)\b/);
    expect(Object.values(alarm.figures).every(Number.isFinite)).toBe(true);
  });

  test("is silent on a run too short to tell", () => {
    expect(rang(runOf(7, () => wrong))).toEqual([]);
  });

  test("is told once, and goes on with a run that is resumed", () => {
    expect(lines.flatMap(begun).filter((each) => each.name === name)).toHaveLength(1);
    for (const broken of [3, since - 1, since, 17]) {
      const written = lines.slice(0, broken).map((line) => metricsSchema.parse(JSON.parse(JSON.stringify(line))));
      const watch = new Watch(written);
      const rest = lines.slice(broken).map(({ step }) => watch.after(lineOf(step, step < 5 ? {} : wrong)));
      expect(rest.map(({ alarms }) => alarms)).toEqual(lines.slice(broken).map(({ alarms }) => alarms));
    }
  });
});

test("every alarm is described for its reader", () => {
  const page = readFileSync(new URL("../../docs/alarms.md", import.meta.url), "utf8");
  expect([...page.matchAll(/^\| `([a-z-]+)`/gm)].map((match) => match[1])).toEqual(WRONG.map(([name]) => name));
});

test("a policy that only gets better is no judge that drifts", () => {
  // The rule never sees that a paraphrase is right: a third of the right answers.
  const learning = (right: number) =>
    Array.from({ length: 12 }, (_, k) =>
      k < right
        ? { answer: k % 3 === 0 ? "some" : "2", terms: { answer: 1 } }
        : { answer: "7", rethink: "So 7.", terms: { answer: 0 } },
    );
  const lines = runOf(20, (step) => ({ chains: learning(step < 5 ? 3 : 10) }));
  expect(lines.at(-1)!.signs!.judged).toEqual({ all: 48, judge: 40, rule: 24, both: 24, refuted: 8, pardoned: 0 });
  expect(rang(lines)).toEqual([]);
});

test("a judge that turns strict drifts too", () => {
  const strict = HEALTHY.map((said) => ({ ...said, terms: { answer: 0, grounding: said.terms!.grounding! } }));
  const lines = runOf(20, (step) => (step < 5 ? {} : { chains: strict }));
  const alarm = lines.at(-1)!.alarms!.find(({ name }) => name === "judge-drift")!;
  expect(alarm.message).toContain(
    "100 % of the answers that are right by the rule exact are called wrong by the judge",
  );
});

test("a judge that calls everything right drifts within four steps, though little was right before", () => {
  // Eight chains a step, of which two are right; the rule refutes four, and cannot read two.
  const chains = [1, 0, 0, 0].map((right, k) => ({ answer: right ? "2" : k === 3 ? "some" : "7" }));
  for (const turn of [5, 10, 20]) {
    const watch = new Watch();
    const lines: Metrics[] = Array.from({ length: 24 }, (_, i) => {
      const says = (said: { answer: string }) => Number(i + 1 >= turn || said.answer === "2");
      const groups = [0, 1].map(() => groupOf(chains.map((said) => ({ ...said, terms: { answer: says(said) } }))));
      return watch.after(stepLine(i + 1, groups, [UPDATE], 1e-6, new Stopwatch()));
    });
    const since = Number(
      rang(lines)
        .find((alarm) => alarm.startsWith("judge-drift"))
        ?.split(" ")[1],
    );
    expect(since).toBeGreaterThanOrEqual(turn);
    expect(since).toBeLessThanOrEqual(turn + 3);
    const alarm = lines[since - 1]!.alarms!.find(({ name }) => name === "judge-drift")!;
    expect(alarm.message).toMatch(
      /^\d+ % of the answers that the rule exact refutes are called right by the judge in /,
    );
  }
});

test("a policy that gets nearly everything right leaves the rule's own slips among the refuted, and none of them is the judge's", () => {
  // The rule refutes one right answer in forty.
  const learning = (right: number) =>
    Array.from({ length: 40 }, (_, k) =>
      k < right ? { answer: k === 0 ? "4" : "2", terms: { answer: 1 } } : { answer: "7", terms: { answer: 0 } },
    );
  const lines = runOf(20, (step) => ({ chains: learning(step < 5 ? 10 : 40) }));
  expect(lines.at(-1)!.signs!.judged).toMatchObject({ refuted: 4, pardoned: 4 });
  expect(rang(lines).filter((alarm) => alarm.startsWith("judge-drift"))).toEqual([]);
});

test("few answers tell nothing of a judge, many do", () => {
  /** A run of one group a step, in which the judge calls `right(step)` of four answers right; the rule first agrees, then does not. */
  const drifts = (right: (step: number) => number) => {
    const watch = new Watch();
    const lines = Array.from({ length: 20 }, (_, i) => {
      const said = i < 4 ? "2" : "7";
      const chains = [0, 1, 2, 3].map((k) =>
        k < right(i + 1) ? { answer: said, terms: { answer: 1 } } : { answer: "9", terms: { answer: 0 } },
      );
      return watch.after(stepLine(i + 1, [groupOf(chains)], [UPDATE], 1e-6, new Stopwatch()));
    });
    return rang(lines).filter((alarm) => alarm.startsWith("judge-drift"));
  };
  expect(drifts(() => 2)).toEqual(["judge-drift 8"]);
  expect(drifts((step) => (step % 4 === 0 ? 1 : 0))).toEqual([]);
});

test("one spike of the KL is no run that runs away, a KL that triples is", () => {
  expect(rang(runOf(20, (step) => ({ update: { kl: step === 10 ? 1e6 : 0.02 } })))).toEqual([]);
  expect(rang(runOf(20, (step) => ({ update: { kl: 0.002 * 1.4 ** step } })))).toEqual(["kl-runaway 17"]);
  expect(rang(runOf(20, () => ({ update: { kl: Number.NaN } })))).toEqual([]);
});

test("an alarm that is silent for less than a window goes on; after one it begins anew", () => {
  const sick = (step: number) => step <= 10 || (step > 15 && step <= 24) || step > 45;
  const lines = runOf(60, (step) => ({ chains: all({ cut: sick(step) }) }));
  const rings = lines.filter(({ alarms }) => alarms).map(({ step }) => step);
  expect(rings).not.toContain(15);
  expect(rang(lines)).toEqual(["cut-off 8", "cut-off 50"]);
});

test("lines of older versions are taken for what they say", () => {
  const older = Array.from({ length: 20 }, (_, i) => metricsSchema.parse({ step: i + 1, kl: 2 }));
  const watch = new Watch(older);
  const next = watch.after(lineOf(21, {}));
  expect(next.alarms?.map(({ name }) => name)).toEqual(["kl-runaway"]);
});
