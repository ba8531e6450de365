/** @file A long list of rows to choose from, of which only those in sight are drawn. */

import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

/** Pixels of a row; the style sheet has the same. */
const ROW = 76;
/** Rows drawn beyond either edge. */
const BEYOND = 4;

interface VirtualListProps {
  readonly count: number;
  /** The row that is chosen; -1 for none. */
  readonly chosen: number;
  readonly keyOf: (row: number) => string | number;
  readonly onChoose: (row: number) => void;
  /** What stands in a row's button. */
  readonly children: (row: number) => ComponentChildren;
}

export function VirtualList({ count, chosen, keyOf, onChoose, children }: VirtualListProps) {
  const list = useRef<HTMLDivElement>(null);
  const [sight, setSight] = useState({ top: 0, height: 600 });
  useLayoutEffect(() => {
    const box = list.current!;
    const look = () => setSight({ top: box.scrollTop, height: box.clientHeight });
    look();
    const sizes = new ResizeObserver(look);
    sizes.observe(box);
    box.addEventListener("scroll", look, { passive: true });
    return () => sizes.disconnect();
  }, []);
  useLayoutEffect(() => {
    const box = list.current!;
    if (chosen < 0) return;
    // Keys move the choice beyond the edge.
    if (chosen * ROW < box.scrollTop) box.scrollTop = chosen * ROW;
    else if ((chosen + 1) * ROW > box.scrollTop + box.clientHeight)
      box.scrollTop = (chosen + 1) * ROW - box.clientHeight;
  }, [chosen]);

  const first = Math.max(0, Math.floor(sight.top / ROW) - BEYOND);
  const end = Math.min(count, Math.ceil((sight.top + sight.height) / ROW) + BEYOND);
  const rows = Array.from({ length: Math.max(0, end - first) }, (_, i) => first + i);
  return (
    <div class="groups" ref={list}>
      <ol style={{ height: `${count * ROW}px` }}>
        {rows.map((row) => (
          <li key={keyOf(row)} style={{ top: `${row * ROW}px` }} aria-setsize={count} aria-posinset={row + 1}>
            <button type="button" aria-current={row === chosen} onClick={() => onChoose(row)}>
              {children(row)}
            </button>
          </li>
        ))}
      </ol>
    </div>
  );
}
