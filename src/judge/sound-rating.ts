/** @file From which rating of MMHal-Bench on an answer makes nothing up. */

/** Ratings below it are of answers that make something up: see the rubric in `rating.ts`. */
export const SOUND = 3;
