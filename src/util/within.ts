/** @file Work that must end: code of a checkpoint (a template, a pattern) is run with a limit on its time. */
import vm from "node:vm";

/** Node can end what runs inside a context, whatever functions it calls. */
const call = new vm.Script("work()");
let context: vm.Context | undefined;

/** How often work is begun that has hardly had the processor. */
const TRIES = 2;

/**
 * What `work` gives. It may take `seconds`; a call costs a tenth of a millisecond. It is begun again once where most of that
 * time has passed without the processor: a machine that others keep busy is no fault of the work.
 * @throws whatever `work` throws, and an Error that says so when it does not end in time
 */
export function within<T>(seconds: number, work: () => T): T {
  context ??= vm.createContext({});
  for (let tries = 1; ; tries++) {
    context.work = work;
    const before = process.cpuUsage();
    try {
      return call.runInContext(context, { timeout: seconds * 1000 }) as T;
    } catch (error) {
      if ((error as { code?: unknown } | undefined)?.code !== "ERR_SCRIPT_EXECUTION_TIMEOUT") throw error;
      const { user, system } = process.cpuUsage(before);
      if ((user + system) / 1e6 >= seconds / 2 || tries === TRIES)
        throw new Error(`it does not end within ${seconds} s`);
    }
  }
}
