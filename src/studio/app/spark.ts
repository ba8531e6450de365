/** @file A curve as SVG path data, for where only its shape matters. */

/** Through the values that there are, in a field of `width` by `height`; at most `points` of them. */
export function sparkPath(
  values: readonly (number | null)[],
  { width, height, points = 240 }: { width: number; height: number; points?: number },
): string {
  const known = values.flatMap((value, i) => (value === null ? [] : [{ i, value }]));
  if (known.length < 2) return "";
  const every = Math.max(1, Math.ceil(known.length / points));
  const kept = known.filter((_, k) => k % every === 0 || k === known.length - 1);
  const low = Math.min(...kept.map(({ value }) => value));
  const span = Math.max(...kept.map(({ value }) => value)) - low || 1;
  const last = values.length - 1;
  const places = kept.map(({ i, value }) => {
    const [x, y] = [(i / last) * width, height - ((value - low) / span) * height];
    return `${x.toFixed(1)} ${y.toFixed(1)}`;
  });
  return `M${places.join("L")}`;
}
