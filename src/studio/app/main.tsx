/** @file Starts the studio's page. */

import { render } from "preact";
import { PALETTE } from "../../report/palette.ts";
import "./studio.css";
import { hearChanges } from "./server.ts";
import { Shell } from "./shell.tsx";

const palette = new CSSStyleSheet();
palette.replaceSync(PALETTE);
document.adoptedStyleSheets = [palette];
hearChanges();
render(<Shell />, document.getElementById("studio")!);
