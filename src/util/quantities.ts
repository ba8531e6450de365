/** @file Quantities in words: durations and bytes. Without anything of Node, so that a browser can use it too. */

/** Seconds for a reader: `8 s`, `3 min 20 s`, `2 h 05 min`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const [minutes, rest] = [Math.floor(whole / 60), whole % 60];
  if (minutes < 60) return `${minutes} min ${String(rest).padStart(2, "0")} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

/** Bytes for a reader, in powers of a thousand: `0 B`, `812 kB`, `7.51 GB`. */
export function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  // Rounded first, so that 999,999 bytes are 1.00 MB.
  const power = Math.min(Math.floor(Math.log10(Math.max(Number(count.toPrecision(3)), 1)) / 3), units.length - 1);
  const value = count / 1000 ** power;
  return `${power === 0 ? value : value.toPrecision(3)} ${units[power]}`;
}
