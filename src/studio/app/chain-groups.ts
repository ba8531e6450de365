/** @file The chains of a step by the prompt that they answer. */

import type { ChainFact } from "../studio-data.ts";

/** The chains that answer one prompt. */
export interface ChainGroup {
  readonly group: number;
  readonly chains: readonly ChainFact[];
}

/** The groups in the order of the file. */
export function groupsOf(chains: readonly ChainFact[]): ChainGroup[] {
  const groups = new Map<number, ChainFact[]>();
  for (const chain of chains) {
    const group = groups.get(chain.group) ?? [];
    group.push(chain);
    groups.set(chain.group, group);
  }
  return [...groups].map(([group, members]) => ({ group, chains: members }));
}
