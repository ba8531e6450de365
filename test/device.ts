/** @file The device that the tests compute on: `GRIT_TEST_DEVICE`, which is `cpu` (the default), `mirror` or `cuda:0`. */

const asked = process.env.GRIT_TEST_DEVICE ?? "cpu";
if (!/^(cpu|mirror|cuda:\d+)$/.test(asked)) throw new Error(`GRIT_TEST_DEVICE is ${asked}, not cpu, mirror or cuda:0.`);

/** As the engine takes it. */
export const DEVICE = asked === "mirror" ? "mirror:0" : asked;

/** Whether that is the processor, which computes in ways of its own. */
export const IS_PROCESSOR = DEVICE === "cpu";
