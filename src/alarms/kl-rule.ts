/** @file The alarm of a policy that runs away from its reference. */
import { median } from "../util/arrays.ts";
import { type History, type Symptom, span, valuesOf } from "./rule.ts";

/** Nats a token: so far from its reference, a policy has little left of what the model could do. */
const FAR = 1;
/** From here on a KL that triples within half a window is on its way there. */
const NOTABLE = 0.3;
const GROWTH = 3;

/** Medians, since one token can send the mean of a step up. */
export function runawayKl({ recent }: History): Symptom | undefined {
  const values = valuesOf(recent, ({ kl }) => kl);
  if (values.length < recent.length) return undefined;
  const half = Math.floor(values.length / 2);
  const [before, now] = [median(values.slice(0, half)), median(values.slice(half))];
  const isFar = median(values) > FAR;
  if (!isFar && !(now > NOTABLE && now > GROWTH * before)) return undefined;
  return {
    name: "kl-runaway",
    figures: { kl: now, before },
    message: `The KL to the reference ${isFar ? "is" : "has grown to"} ${now.toPrecision(2)} nats a token in ${span(recent.slice(half))}, ${before.toPrecision(2)} in ${span(recent.slice(0, half))}: the policy runs away.`,
    remedy: "Lower optimizer.lr, or raise loss.beta.",
  };
}
