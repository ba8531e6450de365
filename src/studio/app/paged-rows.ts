/** @file The samples of a data file that a filter wants, asked for by pages as they come into sight. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { DataRow, DataRows } from "../studio-data.ts";
import { ask, withQuery } from "./server.ts";

type Query = Readonly<Record<string, string | undefined>>;

export interface PagedRows {
  /** What is said of all rows; undefined until something is there. */
  readonly about: DataRows | undefined;
  /** The row at a place among the wanted ones; one that is not there is asked for. */
  readonly row: (place: number) => DataRow | undefined;
  /** The place of a line, as far as it is there; -1 otherwise. */
  readonly placeOf: (line: number | undefined) => number;
  readonly fault: string | undefined;
}

/** Pages by the place of their first row, all for one address and filter. */
interface Held {
  readonly of: string;
  readonly pages: readonly DataRows[];
  readonly fault?: string;
}

/** The rows at an address as a filter wants them; the page with the line `around` comes first. */
export function usePagedRows(path: string, filter: Query, around: string | undefined): PagedRows {
  const of = withQuery(path, filter);
  const [held, set] = useState<Held>({ of: "", pages: [] });
  const current = useRef(of);
  current.current = of;
  const asked = useRef(new Set<string>());
  const { pages } = held;
  const about = pages[0];
  const placeOf = (line: number | undefined) => {
    for (const { from, rows } of pages) {
      const at = rows.findIndex((row) => row.line === line);
      if (at >= 0) return from + at;
    }
    return -1;
  };
  const load = (sight: Query) => {
    const address = withQuery(path, { ...filter, ...sight });
    if (asked.current.has(address)) return;
    asked.current.add(address);
    ask<DataRows>(address).then(
      (rows) => {
        if (current.current === of) set((known) => ({ of, pages: [...(known.of === of ? known.pages : []), rows] }));
      },
      (error: Error) => {
        if (current.current === of) set({ of, pages: [], fault: error.message });
      },
    );
  };
  useEffect(() => {
    // What was there stays until the next is, so that nothing flickers.
    if (held.of !== of) asked.current.clear();
    if (held.of !== of || placeOf(around === undefined ? undefined : Number(around)) < 0) load({ around });
  }, [of, around]);
  return {
    about,
    row(place) {
      const page = pages.find(({ from, rows }) => place >= from && place < from + rows.length);
      if (!page && about && place >= 0 && place < about.wanted) load({ from: String(place - (place % PAGE)) });
      return page?.rows[place - page.from];
    },
    placeOf,
    fault: held.fault,
  };
}

/** Rows of a page, as the server sends them. */
const PAGE = 100;
