/** @file Work divided among ranks. */

/** Gives each item, by its expected cost, to the rank with the least so far, dear ones first: the items of every rank, in order. */
export function divide(costs: readonly number[], ranks: number): number[][] {
  const shares = Array.from({ length: ranks }, () => ({ items: [] as number[], cost: 0 }));
  const dearFirst = [...costs.keys()].sort((a, b) => costs[b]! - costs[a]! || a - b);
  for (const item of dearFirst) {
    const least = shares.reduce((best, share) => (share.cost < best.cost ? share : best));
    least.items.push(item);
    least.cost += costs[item]!;
  }
  return shares.map(({ items }) => items.sort((a, b) => a - b));
}
