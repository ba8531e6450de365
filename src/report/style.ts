/** @file The page's style sheet: one column of prose width for words, the full width for tables, charts and pictures. */

import { PALETTE } from "./palette.ts";

/** Inlined in the head. */
export const STYLE = /* css */ `${PALETTE}
* { box-sizing: border-box }
[hidden] { display: none !important }
html { scroll-behavior: smooth; -webkit-text-size-adjust: 100% }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 var(--sans); font-variant-numeric: tabular-nums }
.page { max-width: 1180px; margin: 0 auto; padding: 0 24px 80px }
h1, h2, h3, h4, p, dl, dd, figure { margin: 0 }
small { font-size: 12px }
.good { color: var(--good) } .bad { color: var(--bad) } .none { color: var(--faint) }
.gallery { position: absolute }
.scroll { overflow-x: auto }

.top { padding: 52px 0 30px; border-bottom: 1px solid var(--rule) }
.eyebrow { color: var(--accent); font-weight: 600; letter-spacing: .02em }
h1 { font: 500 clamp(27px, 4.2vw, 42px)/1.16 var(--serif); letter-spacing: -.012em; max-width: 24em; margin: 8px 0 0; text-wrap: balance }
.reading { max-width: 92ch; margin: 22px 0 0; padding: 0; list-style: none; display: grid; gap: 8px; color: var(--soft) }
.reading li { padding-left: 16px; border-left: 2px solid var(--rule) }
.headline { display: grid; grid-template-columns: repeat(auto-fit, minmax(225px, 1fr)); gap: 14px; margin-top: 28px }
.number { background: var(--sheet); border: 1px solid var(--rule); border-radius: 10px; padding: 14px 18px 12px }
.number h3 { font-size: 13px; font-weight: 500; color: var(--soft) }
.number p { font: 500 30px/1.25 var(--serif); letter-spacing: -.01em; white-space: nowrap }
.number p span { color: var(--faint) }
.number small { color: var(--soft) } .number small b { font-size: 13.5px }
nav { position: sticky; top: 0; z-index: 2; display: flex; gap: 22px; overflow-x: auto; padding: 11px 0; background: var(--paper); border-bottom: 1px solid var(--rule) }
nav a { color: var(--soft); text-decoration: none; white-space: nowrap; font-size: 14px }
nav a:hover { color: var(--accent) }

section { padding-top: 46px; scroll-margin-top: 20px }
h2 { font: 500 25px/1.2 var(--serif); letter-spacing: -.01em }
.lead { color: var(--soft); max-width: 92ch; margin: 7px 0 20px }
.note { color: var(--accent); font-size: 13.5px; margin: 0 0 12px }
.missing { margin-top: 22px }

table { border-collapse: collapse }
.results, .rows { width: 100% }
.results th, .results td, .rows th, .rows td { text-align: right; padding: 9px 10px; border-bottom: 1px solid var(--rule); white-space: nowrap }
.results thead th, .rows thead th { font-size: 12.5px; font-weight: 500; color: var(--soft); padding: 5px 10px }
.results thead tr:first-child th { border: 0; color: var(--ink); font-size: 14px; text-align: center; padding-bottom: 0 }
.results tbody th, .rows tbody th { text-align: left; font-weight: 600; padding-left: 0 }
.results thead th:first-child { text-align: left; padding-left: 0 }
.results tbody th small { display: block; font-weight: 400; color: var(--faint) }
.results .first-other > * { border-top: 2px solid var(--rule) }
.results th:nth-child(7), .results td:nth-child(7) { padding-left: 26px }
.methods th, .methods td, .results.methods :is(th, td):nth-child(7) { padding-left: 5px; padding-right: 5px } .methods tbody th { white-space: normal }
.methods td small { display: block; color: var(--soft); font-size: 11.5px } .methods .published > *, .published b { color: var(--soft); font-weight: 400 }
.plot { text-align: center !important } td.plot { min-width: 140px; padding-top: 5px; padding-bottom: 4px } td.plot.good, td.plot.bad { color: inherit }
td.none { text-align: center !important }
.plot svg { display: block; width: 120px; height: 14px; margin: 0 auto; overflow: visible; --c: var(--faint) }
.plot.good svg { --c: var(--good) } .plot.bad svg { --c: var(--bad) }
.plot .zero { stroke: var(--rule); stroke-width: 1.5 } .plot .interval { stroke: var(--c); stroke-width: 2.5; stroke-linecap: round } .plot circle { fill: var(--c) }
.plot small { color: var(--soft); font-size: 11.5px }
.rows td { vertical-align: top; min-width: 92px } .rows tbody th { vertical-align: top; font-weight: 500; min-width: 150px }
.rows td b { font-weight: 500 } .rows td svg { display: block; width: 100%; height: 8px } .rows small { color: var(--soft) }
.alarms { margin-bottom: 24px } .rows.alarms thead th { text-align: left } .alarms tbody th { color: var(--bad) }
.rows td.words { text-align: left; white-space: normal } .rows td svg.bars { height: 30px; min-width: 120px }
.rail { fill: var(--rule) } .rows .amount { fill: var(--faint) } .rows .interval { fill: var(--faint); opacity: .42 }
.rows .ours > * { background: var(--wash) } .rows .ours th { padding-left: 10px; font-weight: 650 } .rows .ours b { font-weight: 700 }
.rows tbody th { padding-left: 10px } .rows thead th:first-child { text-align: left } .scroll + .lead { margin-top: 34px }
.rows .ours .amount, .rows .ours .interval { fill: var(--accent) }

.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(310px, 1fr)); gap: 14px }
.chart { background: var(--sheet); border: 1px solid var(--rule); border-radius: 10px; padding: 13px 14px 8px; display: flex; flex-direction: column }
.chart figcaption { margin-bottom: auto; padding-bottom: 6px }
.chart h3 { font-size: 14.5px; font-weight: 600 } .chart h3 .at { float: right; font-weight: 400; color: var(--faint); font-size: 12.5px }
.chart figcaption > p { font-size: 12.5px; color: var(--soft) }
.legend { display: flex; flex-wrap: wrap; gap: 0 14px; font-size: 12.5px; color: var(--soft) }
.chart .legend { margin-top: 2px; min-height: 25px; align-items: baseline }
.legend b { color: var(--c); font-weight: 650 } .legend span:only-child b { font-size: 17px }
.legend i { display: inline-block; width: 9px; height: 9px; border-radius: 3px; background: var(--c); margin-right: 5px }
.chart svg { display: block; width: 100%; height: auto; overflow: visible; touch-action: pan-y }
.grid { stroke: var(--rule); stroke-width: 1 } .tick { fill: var(--faint); font: 10.5px var(--sans) }
.chart path { fill: none; stroke: var(--c); stroke-linejoin: round; stroke-linecap: round }
.chart path.line { stroke-width: 1.9 } .chart path.raw { stroke-width: 1; opacity: .28 }
.chart path.band { stroke: none; fill: var(--c0); opacity: .12 } .chart circle { fill: var(--c) }
.cursor { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 2 3 }

.filter { display: flex; flex-wrap: wrap; gap: 6px; margin-bottom: 16px }
button { font: 500 13px var(--sans); color: var(--soft); background: none; border: 1px solid var(--rule); border-radius: 99px; padding: 4px 13px; cursor: pointer }
button:hover { border-color: var(--faint); color: var(--ink) }
button[aria-pressed="true"] { background: var(--ink); border-color: var(--ink); color: var(--paper) }
.example, .story { background: var(--sheet); border: 1px solid var(--rule); border-radius: 12px; padding: 16px 20px 20px; margin-bottom: 18px }
.example > header, .story > header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 4px 10px; margin-bottom: 12px }
.example h3, .story h3 { font: 500 18px/1.3 var(--serif); overflow-wrap: anywhere; white-space: pre-line }
.example header p, .story header p { color: var(--soft) } .example header b, .story header b { color: var(--ink) } .story .filter { margin: 0 0 0 auto }
.chip { font-size: 12px; color: var(--soft); background: var(--wash); border-radius: 5px; padding: 1px 7px }
.became-right { color: var(--good); background: var(--good-wash) } .became-wrong { color: var(--bad); background: var(--bad-wash) }
.pair { display: grid; gap: 28px } .columns-2 { grid-template-columns: 1fr 1fr } .columns-1 { max-width: 560px }
.chain { min-width: 0 }
.chain h4 { display: flex; gap: 12px; font-size: 13px; font-weight: 600; color: var(--soft); margin-bottom: 6px } .chain h4 .none { font-weight: 400 }
.picture { display: block; width: min(100%, calc(320px * var(--aspect))); height: auto; border-radius: 6px; background: var(--wash); overflow: hidden }
.picture path { fill: none; stroke: var(--b); stroke-width: 2.6; vector-effect: non-scaling-stroke; stroke-linejoin: round }
.picture path.under { stroke: #000; stroke-opacity: .55; stroke-width: 4.4 }
.picture .truth { stroke: #fff; stroke-width: 1.6; stroke-dasharray: 5 4 } .picture .truth.under { stroke: #000; stroke-opacity: .4; stroke-width: 2.6; stroke-dasharray: none }
.picture text { font-family: var(--sans); font-weight: 700; fill: var(--b); stroke: #000; stroke-opacity: .75; stroke-width: 3px; paint-order: stroke; vector-effect: non-scaling-stroke }
.box { cursor: pointer; transition: opacity .12s } .box path:last-of-type { pointer-events: all }
.box.lit path:last-of-type { fill: var(--b); fill-opacity: .28; stroke-width: 3.4 } .box.dim { opacity: .22 }
.facts { display: flex; flex-wrap: wrap; gap: 2px 18px; font-size: 13.5px; margin: 8px 0 6px }
.facts div { display: flex; gap: 6px; min-width: 0 } .facts dt { color: var(--faint) } .facts dd { overflow-wrap: anywhere }
.text { font-size: 13.5px; line-height: 1.62; white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: isolate; max-height: 21em; overflow-y: auto; color: var(--ink) }
.text.empty { color: var(--faint) } .tag { color: var(--faint); font: 11.5px var(--mono) }
mark { color: inherit; background: color-mix(in srgb, var(--b) 24%, transparent); border-bottom: 2px solid var(--b); border-radius: 3px 3px 0 0; padding: 0 2px; cursor: pointer; transition: background .12s }
mark.lit { background: color-mix(in srgb, var(--b) 60%, transparent) } mark sup { color: var(--bad); font-weight: 700; line-height: 0 }

.sample .answers { max-width: 560px } .sample .group { max-width: none } #samples .filter + .filter { margin-top: -8px }
.moment > h4 { display: none } .moment + .moment { margin-top: 18px }
.group { display: grid; grid-template-columns: repeat(4, 1fr); gap: 24px 22px } .thirds { grid-template-columns: repeat(3, 1fr) }
.member { font-size: 13px } .member .text { font-size: 12.5px; max-height: 17em }
.advantage { margin: 8px 0 4px } .advantage span { display: flex; justify-content: space-between; color: var(--soft) } .advantage b { color: var(--ink) }
.advantage.good b { color: var(--good) } .advantage.bad b { color: var(--bad) }
.advantage svg { display: block; width: 100%; height: 6px; border-radius: 3px } .advantage .amount { fill: var(--good) } .advantage.bad .amount { fill: var(--bad) }
.terms { width: 100%; font-size: 12.5px; margin: 4px 0 8px } .terms th { text-align: left; font-weight: 400; color: var(--soft); padding: 0 } .terms td { text-align: right; padding: 0 }
.terms tfoot > tr > * { border-top: 1px solid var(--rule); color: var(--ink); font-weight: 600; padding-top: 2px }

.times { display: grid; grid-template-columns: repeat(auto-fit, minmax(300px, 1fr)); gap: 28px; margin: 18px 0 26px }
.time h3 { display: flex; justify-content: space-between; font-size: 14.5px; font-weight: 600; margin-bottom: 6px } .time h3 span { font-weight: 400 }
.time svg { display: block; width: 100%; height: 14px; border-radius: 4px; margin-bottom: 7px } .time rect { fill: var(--c) } .time .legend b { color: var(--ink) }
.records { display: grid; grid-template-columns: repeat(auto-fit, minmax(320px, 1fr)); gap: 10px; align-items: start }
details { background: var(--sheet); border: 1px solid var(--rule); border-radius: 8px; padding: 8px 14px } summary { cursor: pointer; font-weight: 500; font-size: 14px }
pre { font: 12.5px/1.55 var(--mono); overflow-x: auto; margin: 8px 0 4px; color: var(--soft) }

@media (max-width: 720px) {
  .page { padding: 0 16px 60px } .top { padding-top: 30px }
  .columns-2 { grid-template-columns: 1fr } .example, .story { padding: 13px 14px 16px } .story .filter { margin-left: 0 }
  .group, .thirds { grid-template-columns: 1fr 1fr; gap: 18px 14px }
}
@media (max-width: 360px) { .group, .thirds { grid-template-columns: 1fr } }
@media print { nav, .filter { display: none } .chart, .example, .chain { break-inside: avoid } .text { max-height: none } }
`;
