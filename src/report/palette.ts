/** @file Colours and typefaces of the report and the studio, in light and in dark. */

/** Style sheet. Colours c0-c7 are for lines on paper, b0-b7 for boxes on pictures. */
export const PALETTE = /* css */ `
:root {
  color-scheme: light dark;
  --paper: #fbfaf7; --sheet: #ffffff; --ink: #1d1c1a; --soft: #66625b; --faint: #96918a; --rule: #e4e0d8; --wash: #f1eee8;
  --accent: #a3421f; --good: #1a7340; --bad: #b3261e; --good-wash: #e3f2e8; --bad-wash: #fae5e2;
  --c0: #a3421f; --c1: #1f6f9f; --c2: #39803d; --c3: #8b4a9c; --c4: #a87b00; --c5: #107c76; --c6: #4b55c0; --c7: #b13a68;
  --sans: ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", Arial, sans-serif;
  --serif: "Iowan Old Style", Charter, "Bitstream Charter", "Source Serif 4", Georgia, "Noto Serif", "Liberation Serif", serif;
  --mono: ui-monospace, "SF Mono", "Cascadia Code", Menlo, Consolas, "Liberation Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #171614; --sheet: #1f1e1b; --ink: #ece8e1; --soft: #a8a29a; --faint: #7d7871; --rule: #35322d; --wash: #292723;
    --accent: #f0936b; --good: #6ccf92; --bad: #f2867c; --good-wash: #1c3326; --bad-wash: #3d211e;
    --c0: #f0936b; --c1: #6bb6e3; --c2: #83c987; --c3: #cf97df; --c4: #e0b84a; --c5: #59c7bf; --c6: #9aa3f5; --c7: #ee8fb2;
  }
}
.c0 { --c: var(--c0) } .c1 { --c: var(--c1) } .c2 { --c: var(--c2) } .c3 { --c: var(--c3) }
.c4 { --c: var(--c4) } .c5 { --c: var(--c5) } .c6 { --c: var(--c6) } .c7 { --c: var(--c7) }
.b0 { --b: #ff5a4d } .b1 { --b: #2fb2ff } .b2 { --b: #ffc928 } .b3 { --b: #45d964 }
.b4 { --b: #f36bff } .b5 { --b: #ff9330 } .b6 { --b: #1fd6c4 } .b7 { --b: #a48bff }
`;
