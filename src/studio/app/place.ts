/** @file Where the reader is: what the page shows is in its address, so that links and the back button hold. */

import { useEffect, useState } from "preact/hooks";

export type View = "runs" | "curves" | "chains" | "evaluations" | "data" | "try";

/** The keys of the address. All are texts; a key that is absent is not set. */
export interface Place {
  readonly view?: string;
  readonly run?: string;
  /** Runs that are compared with it, separated by commas. */
  readonly with?: string;
  readonly step?: string;
  readonly group?: string;
  /** The line of the chain that is shown large. */
  readonly chain?: string;
  readonly words?: string;
  readonly dataset?: string;
  readonly task?: string;
  readonly outcome?: string;
  readonly least?: string;
  readonly most?: string;
  /** `on` where tokens are coloured by their probability. */
  readonly tokens?: string;
  readonly smooth?: string;
  /** The evaluation that is shown, the one beside it, and the sample by its set and id. */
  readonly eval?: string;
  readonly against?: string;
  readonly sample?: string;
  /** The data file that is shown, and the line of the sample in it. */
  readonly file?: string;
  readonly line?: string;
}

type Change = { readonly [key in keyof Place]?: string | undefined };

const listeners = new Set<() => void>();
addEventListener("popstate", () => tell());

function tell(): void {
  for (const listener of listeners) listener();
}

export function currentPlace(): Place {
  return Object.fromEntries(new URLSearchParams(location.search));
}

/** The address of a place: the current one with some keys changed; `undefined` removes a key. */
export function addressOf(change: Change): string {
  const query = new URLSearchParams(location.search);
  for (const [key, value] of Object.entries(change)) {
    if (value === undefined || value === "") query.delete(key);
    else query.set(key, value);
  }
  const text = query.toString();
  return text === "" ? "/" : `/?${text}`;
}

/** Goes there. `replace` leaves no entry behind for the back button: for what changes many times in a row. */
export function go(change: Change, { replace = false }: { replace?: boolean } = {}): void {
  const address = addressOf(change);
  if (address === location.pathname + location.search) return;
  if (replace) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  tell();
}

/** The current place; renders again when it changes. */
export function usePlace(): Place {
  const [place, set] = useState(currentPlace);
  useEffect(() => {
    const update = () => set(currentPlace());
    listeners.add(update);
    update();
    return () => void listeners.delete(update);
  }, []);
  return place;
}
