/** @file The groups of a step: what is asked, and how each chain came out. */

import { fraction } from "../../report/number-format.ts";
import type { ChainFact } from "../studio-data.ts";
import { imageOf } from "./boxed-image.tsx";
import type { ChainGroup } from "./chain-groups.ts";
import { VirtualList } from "./virtual-list.tsx";

interface GroupListProps {
  readonly run: string;
  readonly groups: readonly ChainGroup[];
  /** Lines of the chains that the filter wants. */
  readonly wanted: ReadonlySet<number>;
  readonly chosen: number | undefined;
  readonly onChoose: (index: number) => void;
}

export function GroupList({ run, groups, wanted, chosen, onChoose }: GroupListProps) {
  const at = groups.findIndex(({ group }) => group === chosen);
  return (
    <VirtualList count={groups.length} chosen={at} keyOf={(row) => groups[row]!.group} onChoose={onChoose}>
      {(row) => {
        const { chains } = groups[row]!;
        const { image, question, dataset } = chains[0]!;
        return (
          <>
            <img src={imageOf(run, image)} alt="" width="52" height="52" loading="lazy" />
            <span class="question" dir="auto">
              {question}
            </span>
            <span class="about">
              <span>{dataset}</span>
              <Members chains={chains} wanted={wanted} />
            </span>
          </>
        );
      }}
    </VirtualList>
  );
}

/** Each chain as a bar as high as its reward: above its group green, below it red. */
function Members({ chains, wanted }: { chains: readonly ChainFact[]; wanted: ReadonlySet<number> }) {
  const highest = Math.max(...chains.map(({ total }) => total ?? 0), 1e-9);
  return (
    <span class="members" role="img" aria-label={`rewards ${chains.map(({ total }) => fraction(total)).join(", ")}`}>
      {chains.map(({ line, total, advantage }) => (
        <i
          key={line}
          class={`${total === null ? "unscored" : sideOf(advantage)}${wanted.has(line) ? "" : " other"}`}
          style={{ height: `${Math.max(12, ((total ?? highest) / highest) * 100)}%` }}
        />
      ))}
    </span>
  );
}

/** Above its group, below it, or neither. */
export function sideOf(advantage: number | null): "good" | "bad" | "even" {
  if (advantage === null || advantage === 0) return "even";
  return advantage > 0 ? "good" : "bad";
}
