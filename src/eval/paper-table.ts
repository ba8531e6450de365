/** @file The paper's table 1 from evaluations: methods down, sets across, accuracy and grounding IoU of each. */
import { UserError } from "../errors.ts";
import { aggregate, type Estimate } from "./aggregate.ts";
import { type Evaluation, manifestDifferences } from "./manifest.ts";
import { PUBLISHED, publishedSet } from "./published.ts";
import { seedsInterval } from "./statistics.ts";

/** A number of the table: ours with its interval, or a published one. */
export interface Cell {
  /** Null where a sample is still missing: the number is partial, and not given. */
  readonly value: { readonly mean: number; readonly low?: number; readonly high?: number } | null;
  /** Samples measured, of all; 1 for published numbers. */
  readonly coverage: number;
}

export interface TableRow {
  readonly name: string;
  /** Evaluations behind it: above 1 the intervals are those of their means. 0: published. */
  readonly seeds: number;
  /** By set; a metric that a set does not have is absent. */
  readonly cells: Readonly<Record<string, { readonly acc?: Cell; readonly giou?: Cell }>>;
}

export interface Table {
  readonly sets: readonly { readonly name: string; readonly samples: number }[];
  readonly rows: readonly TableRow[];
}

export type Metric = "acc" | "giou";

/**
 * A row for each name; evaluations of one name that differ in model and seed only are its seeds.
 * @throws UserError when one set name stands for different samples, and when the paper has none of the sets
 */
export function paperTable(evaluations: readonly Evaluation[], { published = false } = {}): Table {
  refuseMixedSets(evaluations);
  const sets = new Map(evaluations.flatMap(({ manifest }) => Object.entries(manifest.sets)));
  const rows = rowsOf(evaluations).map(([name, members]) => rowOf(name, members));
  return {
    sets: [...sets].map(([name, { samples }]) => ({ name, samples })),
    rows: published ? [...rows, ...publishedRows([...sets.keys()])] : rows,
  };
}

/** Evaluations by the name of their row. Of one name that is not one row, each is a row named after its folder too. */
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

function rowOf(name: string, members: readonly Evaluation[]): TableRow {
  const results = members.map(aggregate);
  const cells = Object.keys(results[0]!).map((set) => {
    const of = (metric: Metric) => cellOf(results.map((result) => result[set]![metric]));
    const [acc, giou] = [of("acc"), of("giou")];
    return [set, { ...(acc && { acc }), ...(giou && { giou }) }] as const;
  });
  return { name, seeds: members.length, cells: Object.fromEntries(cells) };
}

/** One metric of one set over the seeds; undefined when the set does not have it. */
function cellOf(estimates: readonly Estimate[]): Cell | undefined {
  const coverage = Math.min(...estimates.map((estimate) => estimate.coverage));
  if (coverage < 1) return { value: null, coverage };
  const values = estimates.map(({ value }) => value).filter((value) => value !== null);
  if (values.length === 0) return undefined;
  return { value: values.length === 1 ? values[0]! : seedsInterval(values.map(({ mean }) => mean)), coverage };
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
      return [
        name,
        { ...(acc !== null && { acc: cell(Math.round(10 * acc) / 1000) }), ...(giou !== null && { giou: cell(giou) }) },
      ] as const;
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
        `The set ${name} is not the same samples in ${known.dir} and ${dir}.`,
        "One table holds evaluations of the same data, with the same --limit.",
      );
    }
  }
}

/** The metrics that a set has in any row, in the order of the table. */
export function metricsOf({ rows }: Table, set: string): Metric[] {
  return (["acc", "giou"] as const).filter((metric) => rows.some(({ cells }) => cells[set]?.[metric]));
}

/** What a reader must know of the numbers, sentence by sentence. */
export function tableNotes({ rows }: Table): string[] {
  const cells = rows.flatMap((row) => Object.values(row.cells).flatMap(({ acc, giou }) => [acc, giou]));
  return [
    "ACC: mean score of the judge, in %; in detection sets the detection score. IoU: grounding IoU in pixels of the stored image.",
    ...(rows.some(({ seeds }) => seeds === 1) ? ["±: half of the 95 % interval, by bootstrap over the samples."] : []),
    ...(rows.some(({ seeds }) => seeds > 1)
      ? ["Rows of several seeds: their mean; ± is half of Student's 95 % interval over the seeds."]
      : []),
    ...(cells.some((cell) => cell?.value === null)
      ? ["partial: samples are not answered or not scored yet; a number is given when all are."]
      : []),
    ...(rows.some(({ seeds }) => seeds === 0)
      ? [
          "(paper): published for the paper's own sets and data, judged by GPT-4o; Qwen's IoU there compares boxes without rescaling.",
        ]
      : []),
  ];
}
