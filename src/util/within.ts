/** @file Work that must end: code of a checkpoint (a template, a pattern) is run with a limit on its time. */
import vm from "node:vm";

/** Node can end what runs inside a context, whatever functions it calls. */
const call = new vm.Script("work()");
let context: vm.Context | undefined;

/**
 * What `work` gives. It may take `seconds`, and can be run twice; a call costs a tenth of a millisecond.
 * @throws whatever `work` throws, and an Error that says so when it does not end in time
 */
export function within<T>(seconds: number, work: () => T): T {
  const before = process.cpuUsage();
  try {
    return limited(seconds, work);
  } catch (error) {
    if (!isLate(error)) throw error;
    // What had the processor all the while gets no more: an endless list takes 2 GB a second.
    const { user, system } = process.cpuUsage(before);
    if ((user + system) / 1e6 > seconds / 4) throw new Error(`it does not end within ${seconds} s`);
  }
  // The limit is by the clock, and a busy machine can let a process wait.
  const longer = 1.5 * seconds;
  try {
    return limited(longer, work);
  } catch (error) {
    throw isLate(error) ? new Error(`it does not end within ${longer} s`) : error;
  }
}

function limited<T>(seconds: number, work: () => T): T {
  context ??= vm.createContext({});
  context.work = work;
  return call.runInContext(context, { timeout: Math.ceil(seconds * 1000) }) as T;
}

function isLate(error: unknown): boolean {
  return (error as { code?: unknown } | undefined)?.code === "ERR_SCRIPT_EXECUTION_TIMEOUT";
}
