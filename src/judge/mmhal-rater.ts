/** @file The judge `mmhal`: a service that rates answers from 0 to 6, as MMHal-Bench asked GPT-4 to. */

import type { OpenAISettings } from "../config/judge-settings.ts";
import type { Score } from "../records.ts";
import type { Cost, JudgeService, Rater, RatingRequest } from "./judge.ts";
import { ratingInstructionHash, ratingQuestion, readRating } from "./rating.ts";
import { type OpenOptions, Service } from "./service.ts";

/** A question whose rating nobody doubts. */
const PROOF: RatingRequest = {
  question: "What colour is the cat?",
  answer: "The cat is black.",
  response: "The cat is black.",
  imageContents: ["Cat", "Sofa"],
};

export class MmhalRater implements Rater {
  readonly name = "mmhal";
  readonly #settings: OpenAISettings;
  readonly #service: Service;

  private constructor(settings: OpenAISettings, service: Service) {
    this.#settings = settings;
    this.#service = service;
  }

  /** @throws UserError when there is no key, it is refused, or the endpoint does not answer; nothing has then been rated */
  static async open(settings: OpenAISettings, options: OpenOptions = {}): Promise<MmhalRater> {
    const proof = ratingQuestion(settings, PROOF);
    const service = await Service.open(
      settings,
      { proof: () => proof, forms: ["text"], read: readRating, gives: "rating" },
      options,
    );
    return new MmhalRater(settings, service);
  }

  get service(): JudgeService {
    return this.#service.described(ratingInstructionHash(this.#settings));
  }

  spent(): Cost {
    return this.#service.spent();
  }

  async rate(request: RatingRequest): Promise<Score> {
    return await this.#service.ask(ratingQuestion(this.#settings, request));
  }
}
