/** @file `grit studio [DIR]`: the web studio over run folders. */

import { once } from "node:events";
import { existsSync, statSync } from "node:fs";
import { Command } from "commander";
import { openStudio } from "../studio/open-studio.ts";
import { UserError } from "../util/errors.ts";
import { Interrupts } from "./interrupts.ts";
import { integer } from "./number-options.ts";

/** Where runs are written unless told otherwise. It is looked at also before there is one. */
const RUNS = "runs";

/** The command that shows runs in the browser until it is stopped. It reads run folders, also while they train, and writes nothing. */
export function studioCommand(): Command {
  return new Command("studio")
    .description(
      "show runs in the browser: curves, and every chain with its boxes on the image, live while a run trains",
    )
    .argument("[dir]", `a run folder, or a folder that holds some (default: ${RUNS})`)
    .option("--port <n>", "where to listen on this machine; 0: any free one", integer(0, 65535), 6070)
    .action(async (dir: string | undefined, { port }: { port: number }) => {
      if (dir !== undefined && !(existsSync(dir) && statSync(dir).isDirectory())) {
        throw new UserError(`${dir}: no such folder`, "Name a run folder, or a folder that holds some.");
      }
      using interrupts = new Interrupts();
      const studio = await openStudio(dir ?? RUNS, port);
      console.log(`The studio shows ${dir ?? RUNS} at ${studio.url}\nStop it with Ctrl-C.`);
      await once(interrupts.signal, "abort");
      await studio.close(0);
    });
}
