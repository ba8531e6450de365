/** @file One chart of the curves, drawn by uPlot: faint values under their means, a cursor shared by all charts, alarms marked. */

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Charted } from "../../report/charted.ts";
import { compact, fraction, known, type Maybe } from "../../report/number-format.ts";
import type { RungAlarm } from "../studio-data.ts";

/** A line of a chart over its steps. */
export interface Line {
  readonly name: string;
  /** Of the palette's c0 to c7. */
  readonly colour: number;
  readonly values: readonly (number | null)[];
  /** Their moving means. */
  readonly smooth: readonly (number | null)[];
}

/** The edges of a shaded stretch around the first line. */
export interface Band {
  readonly low: readonly (number | null)[];
  readonly high: readonly (number | null)[];
}

interface CurveProps {
  readonly title: string;
  readonly note: string;
  readonly unit: Charted["unit"];
  readonly steps: readonly number[];
  readonly lines: readonly Line[];
  readonly band: Band | undefined;
  readonly isSmoothed: boolean;
  /** The steps that are shown; all without. */
  readonly zoom: readonly [number, number] | undefined;
  /** The step that is marked. */
  readonly step: number | undefined;
  readonly alarms: readonly RungAlarm[];
  readonly onZoom: (zoom: readonly [number, number] | undefined) => void;
  readonly onStep: (step: number) => void;
}

const HEIGHT = 168;
/** Pixels from which on a pressed pointer drags. */
const DRAG = 6;
/** Charts with the same key share their cursor. */
const SYNC = "steps";

export function Curve(props: CurveProps) {
  const { title, note, unit, steps, lines, band, isSmoothed, zoom, step, alarms } = props;
  const field = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  // The plot lives longer than one rendering: what it calls and draws is looked up here.
  const current = useRef(props);
  current.current = props;
  const [at, setAt] = useState<number | undefined>(undefined);
  const scheme = useScheme();
  const shape = lines.map(({ name, colour }) => `${name} ${colour}`).join("\n");

  // A layout effect ends as the chart leaves the page; others end after the next paint, and until then a chart without a page is sized.
  useLayoutEffect(() => {
    const box = field.current!;
    const made = new uPlot(options(box, current, setAt), dataOf(current.current), box);
    plot.current = made;
    const sizes = new ResizeObserver(() => made.setSize({ width: box.clientWidth, height: HEIGHT }));
    sizes.observe(box);
    return () => {
      sizes.disconnect();
      made.destroy();
    };
  }, [shape, isSmoothed, scheme, band === undefined]);
  useEffect(() => {
    plot.current?.setData(dataOf(current.current), false);
    showSteps(plot.current, steps, zoom);
  }, [steps, lines, zoom, shape, isSmoothed, scheme]);
  useEffect(() => plot.current?.redraw(false), [step, alarms]);

  const write = (value: Maybe) => format(value, unit);
  const index = at ?? steps.length - 1;
  return (
    <figure class="chart">
      <figcaption>
        <h2>
          {title}
          {at !== undefined && <span>step {steps[at]}</span>}
        </h2>
        {note && <p>{note}</p>}
        <p class="legend">
          {lines.map(({ name, colour, values }) => (
            <span key={name} class={`c${colour % 8}`}>
              {lines.length > 1 && (
                <>
                  <i />
                  {name}{" "}
                </>
              )}
              <b>{write(values[index] ?? (at === undefined ? values.findLast(known) : null))}</b>
            </span>
          ))}
        </p>
      </figcaption>
      <div ref={field} class="plot" role="img" aria-label={described(title, lines, write)} />
    </figure>
  );
}

function dataOf({ steps, lines, band, isSmoothed }: CurveProps): uPlot.AlignedData {
  const drawn = lines.flatMap(({ values, smooth }) => (isSmoothed ? [values, smooth] : [values]));
  const columns = band ? [band.high, band.low, ...drawn] : drawn;
  return [steps as number[], ...(columns as (number | null)[][])];
}

function showSteps(plot: uPlot | undefined, steps: readonly number[], zoom: CurveProps["zoom"]): void {
  const [min, max] = zoom ?? [steps[0]!, steps.at(-1)!];
  plot?.setScale("x", { min, max: max > min ? max : min + 1 });
}

function options(
  field: HTMLElement,
  current: { readonly current: CurveProps },
  setAt: (index: number | undefined) => void,
): uPlot.Options {
  const style = getComputedStyle(field);
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const { lines, band, isSmoothed, unit } = current.current;
  const line = (each: Line, strong: boolean): uPlot.Series => ({
    stroke: `${colour(`c${each.colour % 8}`)}${strong ? "" : "48"}`,
    width: strong ? 1.8 : 1,
    points: { show: each.values.length < 3 },
    spanGaps: false,
  });
  const edge: uPlot.Series = { stroke: "transparent", points: { show: false } };
  const axis = { stroke: colour("soft"), grid: { stroke: colour("rule"), width: 1 }, ticks: { show: false } };
  return {
    width: field.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    padding: [8, 8, 0, 0],
    scales: { x: { time: false }, y: { range: (_, low, high) => rangeOf(low, high) } },
    cursor: {
      sync: { key: SYNC, setSeries: false },
      drag: { x: true, y: false, setScale: false, dist: DRAG },
      points: { size: 6 },
      y: false,
      bind: {
        dblclick: () => () => {
          current.current.onZoom(undefined);
          return null;
        },
      },
    },
    ...(band && { bands: [{ series: [1, 2], fill: `${colour("c0")}22` }] }),
    series: [
      {},
      ...(band ? [edge, edge] : []),
      ...lines.flatMap((each) => (isSmoothed ? [line(each, false), line(each, true)] : [line(each, true)])),
    ],
    axes: [
      { ...axis, grid: { show: false }, size: 26, font: FONT, space: 60 },
      {
        ...axis,
        size: 46,
        gap: 4,
        font: FONT,
        space: 32,
        values: (_, ticks) => ticks.map((tick) => (unit === "percent" ? String(tick) : compact(tick))),
      },
    ],
    hooks: {
      setCursor: [(plot) => setAt(plot.cursor.idx ?? undefined)],
      setSelect: [
        (plot) => {
          const { left, width } = plot.select;
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          if (width > DRAG) current.current.onZoom([plot.posToVal(left, "x"), plot.posToVal(left + width, "x")]);
        },
      ],
      ready: [
        (plot) => {
          let pressed = Number.NaN;
          plot.over.addEventListener("mousedown", ({ clientX }) => {
            pressed = clientX;
          });
          plot.over.addEventListener("click", ({ clientX }) => {
            const step = current.current.steps[plot.cursor.idx ?? -1];
            // The end of a drag is a click too.
            if (Math.abs(clientX - pressed) < DRAG && step !== undefined) current.current.onStep(step);
          });
        },
      ],
      draw: [
        (plot) => {
          const { step, alarms } = current.current;
          for (const alarm of alarms) upright(plot, alarm.since, colour("bad"), [2, 3]);
          if (step !== undefined) upright(plot, step, colour("soft"), [4, 4]);
        },
      ],
    },
  };
}

/** A little more than the values take; around a flat line from zero to twice its height. */
function rangeOf(low: number | null, high: number | null): [number, number] {
  if (low === null || high === null) return [0, 1];
  if (low === high) return low === 0 ? [0, 1] : [Math.min(0, 2 * low), Math.max(0, 2 * low)];
  const margin = (high - low) * 0.08;
  // What is never below zero keeps it as its edge.
  return [low >= 0 ? Math.max(0, low - margin) : low - margin, high + margin];
}

const FONT = '11px ui-sans-serif, system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif';

/** Marks a step by an upright line. */
function upright(plot: uPlot, step: number, colour: string, dash: readonly number[]): void {
  const { left, top, width, height } = plot.bbox;
  const x = Math.round(plot.valToPos(step, "x", true));
  if (x < left || x > left + width) return;
  const { ctx } = plot;
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash(dash.map((length) => length * devicePixelRatio));
  ctx.beginPath();
  ctx.moveTo(x, top);
  ctx.lineTo(x, top + height);
  ctx.stroke();
  ctx.restore();
}

function format(value: Maybe, unit: Charted["unit"]): string {
  if (unit === "percent") return known(value) ? `${value.toFixed(1)} %` : "–";
  return unit === "fraction" ? fraction(value) : compact(value);
}

function described(title: string, lines: readonly Line[], write: (value: Maybe) => string): string {
  const parts = lines.map(
    ({ name, values }) => `${name} from ${write(values.find(known))} to ${write(values.findLast(known))}`,
  );
  return `${title}: ${parts.join("; ")}`;
}

/** Light or dark: a canvas has its colours fixed when it is drawn. */
function useScheme(): boolean {
  const [isDark, set] = useState(() => matchMedia("(prefers-color-scheme: dark)").matches);
  useEffect(() => {
    const query = matchMedia("(prefers-color-scheme: dark)");
    const update = () => set(query.matches);
    query.addEventListener("change", update);
    return () => query.removeEventListener("change", update);
  }, []);
  return isDark;
}
