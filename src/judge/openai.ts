/** @file The judge `openai`: a service that is asked as the paper asked its judge. */

import type { OpenAISettings } from "../config/judge-settings.ts";
import type { Score } from "../records.ts";
import type { Cost, Judge, JudgeRequest, JudgeService } from "./judge.ts";
import { type Inquiry, type OpenOptions, Service } from "./service.ts";
import { instructionHash, judgeQuestion, readVerdict } from "./verdict.ts";

/** A question whose verdict nobody doubts. */
const PROOF: JudgeRequest = { question: "How many legs does a dog have?", answer: "4", response: "four" };

export class OpenAIJudge implements Judge {
  readonly name = "openai";
  readonly #settings: OpenAISettings;
  readonly #service: Service;

  private constructor(settings: OpenAISettings, service: Service) {
    this.#settings = settings;
    this.#service = service;
  }

  /** @throws UserError when there is no key, it is refused, or the endpoint does not answer; nothing has then been judged */
  static async open(settings: OpenAISettings, options: OpenOptions = {}): Promise<OpenAIJudge> {
    const inquiry: Inquiry = {
      proof: (form) => judgeQuestion(settings, PROOF, form),
      forms: ["json_schema", "text"],
      read: readVerdict,
      gives: "verdict",
    };
    return new OpenAIJudge(settings, await Service.open(settings, inquiry, options));
  }

  get service(): JudgeService {
    return this.#service.described(instructionHash(this.#settings, this.#service.form));
  }

  spent(): Cost {
    return this.#service.spent();
  }

  async judge(request: JudgeRequest): Promise<Score> {
    return await this.#service.ask(judgeQuestion(this.#settings, request, this.#service.form));
  }
}
