/** @file A text table for the terminal, no wider than it. */

/** The width of the terminal; unlimited where the output goes elsewhere. */
export function lineWidth(output: { readonly isTTY?: boolean; readonly columns?: number } = process.stdout): number {
  return output.isTTY ? (output.columns ?? 80) : Number.POSITIVE_INFINITY;
}

export interface TableOptions {
  /** Longest line. */
  readonly width?: number;
  /** How many of the first columns say what a row is: where a table is cut, each of its parts has them. */
  readonly keys?: number;
}

/**
 * Rows of cells in columns as wide as needed. The first row holds the names; the first column is aligned left, the others
 * right. Columns that do not fit beside the others become a table of their own below.
 */
export function table(
  rows: readonly (readonly (string | number)[])[],
  { width = lineWidth(), keys = 1 }: TableOptions = {},
): string {
  const cells = rows.map((row) => row.map(String));
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const columns = widths.map((_, column) => column);
  const room = (part: readonly number[]) => part.reduce((sum, column) => sum + widths[column]! + 2, -2);
  const named = columns.slice(0, keys);
  const parts = stretches(columns.slice(keys), (part) => room([...named, ...part]) <= width);
  return (parts.length > 0 ? parts : [[]])
    .map((part) => {
      const shown = [...named, ...part];
      const lines = cells.map((row) =>
        shown
          .map((column) =>
            column === 0 ? row[column]!.padEnd(widths[column]!) : row[column]!.padStart(widths[column]!),
          )
          .join("  ")
          .trimEnd(),
      );
      return [lines[0], "─".repeat(room(shown)), ...lines.slice(1)].join("\n");
    })
    .join("\n\n");
}

/** A list cut into parts that fit; an item that fits nowhere is a part of its own. */
export function stretches<T>(items: readonly T[], fits: (stretch: readonly T[]) => boolean): T[][] {
  const found: T[][] = [];
  for (const item of items) {
    const last = found.at(-1);
    if (last && fits([...last, item])) last.push(item);
    else found.push([item]);
  }
  return found;
}
