/** @file The benchmarks that can be imported, and which of them a row belongs to. */
import { nearest, UserError } from "../../util/errors.ts";
import type { Row } from "../read/row.ts";
import type { Benchmark, Layout } from "./benchmark.ts";
import { blink } from "./blink.ts";
import { gqa } from "./gqa.ts";
import { grit } from "./grit.ts";
import { mathvista } from "./mathvista.ts";
import { mme } from "./mme.ts";
import { mmhal } from "./mmhal.ts";
import { mmstar } from "./mmstar.ts";
import { ovdeval } from "./ovdeval.ts";
import { pope } from "./pope.ts";
import { realworldqa } from "./realworldqa.ts";
import { refcocos } from "./refcoco.ts";
import { slake } from "./slake.ts";
import { tallyqa } from "./tallyqa.ts";
import { viscot } from "./viscot.ts";
import { vsr } from "./vsr.ts";

/** The paper's six and where they come from, then the others. */
export const benchmarks: readonly Benchmark[] = [
  grit,
  vsr,
  tallyqa,
  gqa,
  mathvista,
  mme,
  ovdeval,
  viscot,
  pope,
  mmhal,
  realworldqa,
  mmstar,
  blink,
  slake,
  ...refcocos,
];

/** The benchmark of that name. @throws UserError with the nearest known name */
export function benchmarkNamed(name: string): Benchmark {
  const found = benchmarks.find((benchmark) => benchmark.name === name);
  if (found) return found;
  const names = benchmarks.map((benchmark) => benchmark.name);
  const guess = nearest(name, names);
  throw new UserError(
    `there is no benchmark "${name}"`,
    guess ? `Did you mean ${guess}?` : `Benchmarks are: ${names.join(", ")}.`,
  );
}

/**
 * The layout of a benchmark that fits the fields of a row. A row that is also valid for another benchmark with more fields belongs
 * to that one. @throws UserError when the row does not belong to this benchmark, naming the one it belongs to if that is known
 */
export function layoutOf({ value, where }: Row, benchmark: Benchmark): Layout {
  const own = byFields(benchmark.layouts, value)[0];
  const known = benchmarks.flatMap(({ layouts }) => byFields(layouts, value).filter((layout) => layout.accepts(value)));
  const best = known.sort((a, b) => weight(b) - weight(a))[0];
  if (own && weight(own) >= weight(best)) return own;
  const wanted = benchmark.layouts.map(({ required }) => required.join(", ")).join("; or ");
  const rival = benchmarks.find(({ layouts }) => best && layouts.includes(best));
  throw new UserError(
    `${where}: is not a row of ${benchmark.title}, whose rows have the fields ${wanted}`,
    rival
      ? `It looks like ${rival.title}: grit data import ${rival.name}.`
      : `${benchmark.title} is read from ${benchmark.files}.`,
  );
}

/** The layouts whose fields a row has, those with most fields first. */
function byFields(layouts: readonly Layout[], value: Row["value"]): Layout[] {
  const fitting = layouts.filter(({ required }) => required.every((name) => value[name] !== undefined));
  return fitting.sort((a, b) => weight(b) - weight(a));
}

function weight(layout: Layout | undefined): number {
  return layout?.required.length ?? 0;
}
