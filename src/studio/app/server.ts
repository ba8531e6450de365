/** @file What the page asks its server, and what the server tells it by itself. */

import { useEffect, useState } from "preact/hooks";
import type { Changes } from "../studio-data.ts";

type Parts = readonly (string | number)[];

/** The address of something of a run. */
export function ofRun(run: string, ...rest: Parts): string {
  return addressIn("/api/runs", run, ...rest);
}

/** The address of something of an evaluation. */
export function ofEvaluation(evaluation: string, ...rest: Parts): string {
  return addressIn("/api/evaluations", evaluation, ...rest);
}

/** The address of something of a data file. */
export function ofData(file: string, ...rest: Parts): string {
  return addressIn("/api/data", file, ...rest);
}

function addressIn(root: string, ...parts: Parts): string {
  return [root, ...parts.map(encodeURIComponent)].join("/");
}

/** An address with a query; keys without a value are left out. */
export function withQuery(path: string, query: Readonly<Record<string, string | number | undefined>>): string {
  const entries = Object.entries(query).filter(([, value]) => value !== undefined);
  return `${path}?${new URLSearchParams(entries.map(([key, value]) => [key, String(value)]))}`;
}

/** The answer at an address. @throws Error with the server's words */
export async function ask<T>(path: string, signal?: AbortSignal): Promise<T> {
  return answerOf(await fetch(path, signal ? { signal } : {}));
}

/** Asks the server to do something. @throws Error with the server's words */
export async function send<T>(path: string, signal: AbortSignal): Promise<T> {
  return answerOf(await fetch(path, { method: "POST", signal }));
}

async function answerOf<T>(response: Response): Promise<T> {
  const answer = await response.json();
  if (!response.ok) throw new Error(answer?.error?.message ?? `The server answered with ${response.status}.`);
  return answer as T;
}

/** An answer as far as it is there: the last one stays until the next has come, so that nothing flickers. */
export interface Asked<T> {
  readonly answer: T | undefined;
  /** The address that `answer` is of. */
  readonly of: string | undefined;
  readonly fault: string | undefined;
}

/** Asks again whenever the address or `version` changes; nothing without an address. */
export function useAsked<T>(path: string | undefined, version = 0): Asked<T> {
  const [asked, set] = useState<Asked<T>>({ answer: undefined, of: undefined, fault: undefined });
  useEffect(() => {
    if (path === undefined) return set({ answer: undefined, of: undefined, fault: undefined });
    const ended = new AbortController();
    ask<T>(path, ended.signal).then(
      (answer) => set({ answer, of: path, fault: undefined }),
      (error: Error) => {
        if (!ended.signal.aborted) set({ answer: undefined, of: path, fault: error.message });
      },
    );
    return () => ended.abort();
  }, [path, version]);
  return asked;
}

const versions = new Map<string, number>();
const listeners = new Set<() => void>();
/** The key under which the list of runs is counted. */
const LIST = "";

/**
 * Hears the server's changes from now on, while the page is in sight: browsers allow few connections to a server, and each open tab
 * would hold one. The browser connects again by itself when the server was away.
 */
export function hearChanges(): void {
  let source: EventSource | undefined;
  let wasReady = false;
  const listen = () => {
    source?.close();
    source = undefined;
    if (document.hidden) return;
    source = new EventSource("/api/changes");
    source.addEventListener("ready", () => {
      // What happened while the line was down is not known: everything is asked again.
      if (wasReady) for (const key of [...versions.keys(), LIST]) count(key);
      wasReady = true;
      tell();
    });
    source.addEventListener("message", ({ data }) => {
      const { folders } = JSON.parse(data) as Changes;
      for (const key of [...folders, LIST]) count(key);
      tell();
    });
  };
  document.addEventListener("visibilitychange", listen);
  listen();
}

function count(key: string): void {
  versions.set(key, (versions.get(key) ?? 0) + 1);
}

function tell(): void {
  for (const listener of listeners) listener();
}

/** Grows whenever the folder, a run or an evaluation, (or the list of all) has changed. */
export function useVersion(run = LIST): number {
  const [, render] = useState({});
  useEffect(() => {
    const update = () => render({});
    listeners.add(update);
    return () => void listeners.delete(update);
  }, []);
  if (!versions.has(run)) versions.set(run, 0);
  return versions.get(run)!;
}
