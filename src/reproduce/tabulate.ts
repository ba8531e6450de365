/** @file Arms by columns: asks every arm of a study, and gives each column's mean and what pairs of arms differ by. */
import type { Interval } from "../evaluation/statistics.ts";
import type { Arm } from "./arms.ts";
import { type Column, gainOf, meanOf, type Values, valuesOf } from "./numbers.ts";
import type { ArmNumbers, Findings, Gain, Runs } from "./study.ts";

/** The sets of the paper's accuracy columns, and of its IoU columns, by their names in recipes. */
export const ACC_SETS = ["vsr", "tallyqa", "gqa", "mathvista_mini", "mme"];
export const IOU_SETS = ["vsr", "tallyqa", "gqa", "ovd_position"];

const acc = (set: string): Column => ({ name: `${set} ACC`, metric: "acc", sets: [set] });
const iou = (set: string): Column => ({ name: `${set} IoU`, metric: "giou", sets: [set] });

/** The nine columns of the paper's table 1. */
export const PAPER_COLUMNS: readonly Column[] = [
  ...["vsr", "tallyqa", "gqa"].flatMap((set) => [acc(set), iou(set)]),
  acc("mathvista_mini"),
  acc("mme"),
  iou("ovd_position"),
];

/** Their means over the sets, each set weighing the same. */
export const MEAN_ACC: Column = { name: "mean ACC", metric: "acc", sets: ACC_SETS };
export const MEAN_IOU: Column = { name: "mean IoU", metric: "giou", sets: IOU_SETS };

/** Published numbers of columns, ACC in %, in our units: shares. */
export function published(columns: readonly Column[], numbers: readonly (number | null)[]): (number | null)[] {
  return columns.map(({ metric }, i) => {
    const value = numbers[i] ?? null;
    return value !== null && metric === "acc" ? Math.round(100 * value) / 10_000 : value;
  });
}

/** All arms of a study, measured by columns. */
export class Tabulated {
  readonly #columns: readonly Column[];
  readonly #values: ReadonlyMap<string, ReadonlyMap<string, Values>>;

  private constructor(columns: readonly Column[], values: ReadonlyMap<string, ReadonlyMap<string, Values>>) {
    this.#columns = columns;
    this.#values = values;
  }

  /** Asks what has not been asked yet. */
  static async of(runs: Runs, arms: readonly Arm[], columns: readonly Column[]): Promise<Tabulated> {
    const values = new Map<string, ReadonlyMap<string, Values>>();
    for (const arm of arms) {
      const evaluations = await runs.answers(arm);
      values.set(arm.name, new Map(columns.map((column) => [column.name, valuesOf(evaluations, column)])));
    }
    return new Tabulated(columns, values);
  }

  get columns(): Findings["columns"] {
    return this.#columns.map(({ name, metric }) => ({ name, form: metric === "acc" ? "percent" : "fraction" }));
  }

  /** The rows of the table. */
  get arms(): ArmNumbers[] {
    return [...this.#values].map(([name, columns]) => ({
      name,
      seeds: [...columns.values()][0]!.length,
      numbers: [...columns.values()].map(meanOf),
    }));
  }

  mean(arm: string, column: Column): Interval {
    return meanOf(this.#of(arm, column));
  }

  gain(column: Column, from: string, to: string): Gain {
    return { column: column.name, from, to, gain: gainOf(this.#of(from, column), this.#of(to, column)) };
  }

  #of(arm: string, { name }: Column): Values {
    return this.#values.get(arm)!.get(name)!;
  }
}
