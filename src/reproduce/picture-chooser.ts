/** @file Who picks pictures in the study of correlation: a service that sees them, as in the paper, or, in the scenes world, a rule. */
import { unionIoU } from "../boxes.ts";
import type { Chooser } from "../probes/correlation.ts";
import { serviceChooser } from "../probes/service-chooser.ts";
import type { Runs } from "./study.ts";

/** The chooser of a study. @throws UserError where a service is needed and none is named, or it cannot be asked */
export async function chooserOf({ scale, judge, signal }: Runs): Promise<Chooser> {
  if (scale.name === "miniature") return byTruth;
  return serviceChooser(judge, { signal });
}

/**
 * Picks the picture whose boxes fit better to where the things in question are. It knows the scene and does not read the chain: no
 * model of the scenes world reads two pictures.
 */
const byTruth: Chooser = {
  name: "a rule that knows where the things in question are, and reads no words",
  async choose(_prompt, _pictures, { sample, boxes }) {
    const [first, second] = boxes.map((drawn) => unionIoU([...drawn], sample.boxes)) as [number, number];
    // The order is drawn: of two that fit alike, the first is right half of the time.
    return first >= second ? 0 : 1;
  },
};
