/** @file The judge that settings ask for. */

import type { EvalJudgeSettings, JudgeSettings } from "../config/judge-settings.ts";
import { about, placing } from "../config/key-places.ts";
import { exactJudge, isRight } from "./exact.ts";
import type { Judge, Rater } from "./judge.ts";
import { MmhalRater } from "./mmhal-rater.ts";
import { OpenAIJudge } from "./openai.ts";
import type { OpenOptions } from "./service.ts";

/**
 * Opens a judge, to be used for all of a job.
 * @throws UserError when it would ask a service that has no key, refuses it or does not answer
 */
export async function openJudge(settings: JudgeSettings, options: OpenOptions = {}): Promise<Judge> {
  const { name, openai } = settings;
  if (!openai) return exactJudge;
  const asking = await placing(settings, () => about("openai", () => OpenAIJudge.open(openai, options)));
  return name === "exact-then-openai" ? exactThen(asking) : asking;
}

/** As `openJudge`, for an evaluation, which can also have its answers rated. @throws as `openJudge` */
export async function openEvalJudge(settings: EvalJudgeSettings, options: OpenOptions = {}): Promise<Judge | Rater> {
  return settings.name === "mmhal"
    ? await placing(settings, () => about("openai", () => MmhalRater.open(settings.openai, options)))
    : await openJudge(settings, options);
}

/** Decides by rule where a rule can tell, and asks where none can. */
function exactThen(asking: OpenAIJudge): Judge {
  return {
    name: `exact-then-${asking.name}`,
    service: asking.service,
    spent: () => asking.spent(),
    judge: async (request) => {
      const right = isRight(request);
      return right === undefined ? await asking.judge(request) : Number(right);
    },
  };
}
