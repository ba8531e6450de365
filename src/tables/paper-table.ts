/**
 * @file Makes the paper's table 1 of evaluations: a row for each method, columns of accuracy and grounding IoU for each set.
 * Below it come what it does not show: further metrics, and the numbers of yes/no and multiple-choice questions.
 */

import { aggregate, type Metric } from "../evaluation/aggregate.ts";
import { type Evaluation, manifestDifferences } from "../evaluation/manifest.ts";
import { UserError } from "../util/errors.ts";
import { type Cell, cellOf } from "./cells.ts";
import { isOfKind, KIND_NAMES, type Kind, type KindCells, kindCells, ratingCells } from "./kinds.ts";
import { PUBLISHED, publishedSet } from "./published.ts";

/** The metrics of the paper's table, and those that are measured beside them. */
export const PAPER_METRICS = ["acc", "giou"] as const satisfies readonly Metric[];
export const FURTHER_METRICS = [
  "accBinary",
  "giouRaw",
  "f1",
  "acc50",
  "answerIoU",
] as const satisfies readonly Metric[];
export type TableMetric = (typeof PAPER_METRICS | typeof FURTHER_METRICS)[number];

/** The numbers of a row for one set, without the metrics and kinds of questions that the set does not have. */
export type SetCells = { readonly [M in TableMetric]?: Cell } & { readonly [K in Kind]?: KindCells } & {
  /** Of a set whose questions are of several types: the ratings of each. */
  readonly types?: Readonly<Record<string, KindCells>>;
};

export interface TableRow {
  readonly name: string;
  /** How many evaluations it is the mean of: above 1 the intervals are those of the means. 0: published. */
  readonly seeds: number;
  /** By set. */
  readonly cells: Readonly<Record<string, SetCells>>;
}

export interface TableSet {
  readonly name: string;
  readonly samples: number;
  /** How many the set has, where only its first samples were asked. */
  readonly of?: number | undefined;
}

export interface Table {
  readonly sets: readonly TableSet[];
  readonly rows: readonly TableRow[];
  /** Why samples have no score; undefined if all answered ones have one. */
  readonly unscored: Unscored | undefined;
}

/** Samples that could not be scored, and the commonest reason. */
export interface Unscored {
  readonly samples: number;
  /** As given with the first sample that has it. Reasons are compared up to a colon: what was answered follows it. */
  readonly reason: string;
  /** Samples that have it. */
  readonly count: number;
}

/**
 * A row for each name; evaluations of one name that differ in model and seed only are its seeds.
 * @throws UserError when one set name stands for different samples, and when the paper has none of the sets
 */
export function paperTable(evaluations: readonly Evaluation[], { published = false } = {}): Table {
  refuseMixedSets(evaluations);
  const sets = new Map(evaluations.flatMap(({ manifest }) => Object.entries(manifest.sets)));
  const asks = kindsAsked(evaluations);
  const rows = rowsOf(evaluations).map(([name, members]) => rowOf(name, members, asks));
  return {
    sets: [...sets].map(([name, { samples, of }]) => ({ name, samples, of })),
    rows: published ? [...rows, ...publishedRows([...sets.keys()])] : rows,
    unscored: unscoredIn(evaluations),
  };
}

function unscoredIn(evaluations: readonly Evaluation[]): Unscored | undefined {
  const reasons = evaluations.flatMap(({ samples }) => samples.flatMap(({ unscored }) => unscored ?? []));
  const kinds = new Map<string, { reason: string; count: number }>();
  for (const reason of reasons) {
    const kind = reason.split(": ", 1)[0]!;
    const known = kinds.get(kind) ?? { reason, count: 0 };
    kinds.set(kind, { ...known, count: known.count + 1 });
  }
  const [commonest] = [...kinds.values()].sort((a, b) => b.count - a.count);
  return commonest && { samples: reasons.length, ...commonest };
}

/** Evaluations by the name of their row. Those that share a name but are not seeds of one row get the name of their folder too. */
function rowsOf(evaluations: readonly Evaluation[]): [string, readonly Evaluation[]][] {
  const byName = new Map<string, Evaluation[]>();
  for (const evaluation of evaluations) {
    const { name } = evaluation.manifest;
    byName.set(name, [...(byName.get(name) ?? []), evaluation]);
  }
  return [...byName].flatMap(([name, members]): [string, readonly Evaluation[]][] =>
    areSeeds(members) ? [[name, members]] : members.map((member) => [`${name} (${member.dir})`, [member]]),
  );
}

function areSeeds(members: readonly Evaluation[]): boolean {
  const seeds = new Set(members.map(({ manifest }) => manifest.decoding.seed));
  const first = members[0]!.manifest;
  const alike = members.every(({ manifest }) =>
    manifestDifferences(first, manifest).every(({ key }) => key === "model.sha256" || key === "decoding.seed"),
  );
  return alike && seeds.size === members.length;
}

function rowOf(name: string, members: readonly Evaluation[], asks: (set: string, kind: Kind) => boolean): TableRow {
  const [first, ...others] = members as [Evaluation, ...Evaluation[]];
  const cells = Object.entries(aggregate(first, ...others)).map(([set, result]) => {
    const metrics = [...PAPER_METRICS, ...FURTHER_METRICS].flatMap((metric) => {
      const cell = cellOf(result[metric]);
      return cell ? [[metric, cell]] : [];
    });
    const kinds = KIND_NAMES.filter((kind) => asks(set, kind)).map((kind) => [kind, kindCells(kind, result)]);
    const types = Object.entries(result.types ?? {}).map(([type, ratings]) => [type, ratingCells(ratings)] as const);
    return [
      set,
      {
        ...(Object.fromEntries([...metrics, ...kinds]) as SetCells),
        ...(types.length > 0 && { types: Object.fromEntries(types) }),
      },
    ] as const;
  });
  return { name, seeds: members.length, cells: Object.fromEntries(cells) };
}

/** Whether a set has questions of a kind, by the answers that any of the evaluations has so far. */
function kindsAsked(evaluations: readonly Evaluation[]): (set: string, kind: Kind) => boolean {
  const samples = evaluations.flatMap((evaluation) => evaluation.samples);
  const asked = new Set(
    KIND_NAMES.flatMap((kind) => samples.filter((each) => isOfKind(each, kind)).map(({ set }) => `${kind} ${set}`)),
  );
  return (set, kind) => asked.has(`${kind} ${set}`);
}

function publishedRows(sets: readonly string[]): TableRow[] {
  const known = sets.flatMap((name) => {
    const set = publishedSet(name);
    return set ? [{ name, set }] : [];
  });
  if (known.length === 0) {
    throw new UserError(
      `The paper has no numbers for ${sets.join(", ")}.`,
      "Its sets are vsr, tallyqa, gqa, mathvista_mini, mme and ovd_position; leave out --paper for others.",
    );
  }
  const cell = (mean: number): Cell => ({ value: { mean }, coverage: 1 });
  return PUBLISHED.map(({ model, method, sets: numbers }) => {
    const cells = known.map(({ name, set }) => {
      const [acc, giou] = numbers[set];
      // The original's script made the published IoU: it is the raw one as well.
      const boxes = giou !== null && { giou: cell(giou), giouRaw: cell(giou) };
      return [name, { ...(acc !== null && { acc: cell(Math.round(10 * acc) / 1000) }), ...boxes }] as const;
    });
    return { name: `${model}, ${method} (paper)`, seeds: 0, cells: Object.fromEntries(cells) };
  });
}

function refuseMixedSets(evaluations: readonly Evaluation[]): void {
  const first = new Map<string, { dir: string; sha256: string }>();
  for (const { dir, manifest } of evaluations) {
    for (const [name, { sha256 }] of Object.entries(manifest.sets)) {
      const known = first.get(name) ?? { dir, sha256 };
      first.set(name, known);
      if (known.sha256 === sha256) continue;
      throw new UserError(
        `The set ${name} has different samples in ${known.dir} and ${dir}.`,
        "One table holds evaluations of the same data, with the same --limit.",
      );
    }
  }
}

/** Those of some metrics that a set has in any row. */
export function metricsOf<M extends TableMetric>({ rows }: Table, set: string, metrics: readonly M[]): M[] {
  return metrics.filter((metric) => rows.some(({ cells }) => cells[set]?.[metric]));
}

/** Whether a number of a row is not given, in any table, since samples are missing from it. */
export function isPartial({ cells }: TableRow): boolean {
  return Object.values(cells).some((cellsOfSet) => {
    const metrics = [...PAPER_METRICS, ...FURTHER_METRICS].map((metric) => cellsOfSet[metric]);
    const kinds = KIND_NAMES.flatMap((kind) => cellsOfSet[kind]?.numbers ?? []);
    return [...metrics, ...kinds].some((cell) => cell?.value === null);
  });
}

/** Longest reason that is shown whole. */
const SHOWN = 120;

/** Notes on the numbers, sentence by sentence. */
export function tableNotes({ rows, unscored }: Table): string[] {
  return [
    "ACC: mean score of the judge, in %; in detection sets the detection score. IoU: grounding IoU in pixels of the stored image.",
    ...(rows.some(({ seeds }) => seeds === 1) ? ["±: half of the 95 % interval, by bootstrap over the samples."] : []),
    ...(rows.some(({ seeds }) => seeds > 1)
      ? [
          "Rows of several seeds: their mean; ± is half of the 95 % interval, by bootstrap over seeds and samples together.",
        ]
      : []),
    ...(rows.some(({ seeds }) => seeds === 2)
      ? ["Two seeds are too few to tell how far seeds differ: take three or more."]
      : []),
    ...(rows.some(isPartial)
      ? ["partial: samples are not answered or not scored yet; a number is given when all are."]
      : []),
    ...(unscored ? [unscoredNote(unscored)] : []),
    ...(rows.some(({ seeds }) => seeds === 0)
      ? [
          "(paper): published for the paper's own sets and data, judged by GPT-4o; Qwen's IoU there compares boxes without rescaling, as raw IoU does.",
        ]
      : []),
  ];
}

function unscoredNote({ samples, reason, count }: Unscored): string {
  // A reason can quote what a judge said: on one line, and no longer than a line.
  const line = reason.replaceAll(/[\s\p{Cc}]+/gu, " ");
  const shown = line.length > SHOWN ? `${line.slice(0, SHOWN)}…` : line;
  return `unscored: ${samples} answers; the commonest reason, of ${count}: ${shown}.`;
}
