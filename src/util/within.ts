/** @file Work that must end: code of a checkpoint (a template, a pattern) is run with a limit on its time. */
import vm from "node:vm";

/** Node can end what runs inside a context, whatever functions it calls. */
const call = new vm.Script("work()");
let context: vm.Context | undefined;

/**
 * What `work` gives. It may take `seconds`; a call costs a tenth of a millisecond.
 * @throws whatever `work` throws, and an Error that says so when it does not end in time
 */
export function within<T>(seconds: number, work: () => T): T {
  context ??= vm.createContext({});
  context.work = work;
  try {
    return call.runInContext(context, { timeout: seconds * 1000 }) as T;
  } catch (error) {
    const isLate = (error as { code?: unknown } | undefined)?.code === "ERR_SCRIPT_EXECUTION_TIMEOUT";
    throw isLate ? new Error(`it does not end within ${seconds} s`) : error;
  }
}
