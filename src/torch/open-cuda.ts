/** @file Opens a CUDA device: which there are, what to do where there is none, and the kernels that it may take. */
import { UserError } from "../util/errors.ts";
import { wantsDeterminism, wantsTf32 } from "./cuda-environment.ts";
import { native } from "./native.ts";

/**
 * Makes a device, `cuda:N`, ready: attention without cuDNN, products of float32 in full unless TF32 is asked for, and
 * deterministic kernels where they are asked for.
 * @throws UserError when it is not there
 */
export function openCuda(device: string): void {
  const index = Number(device.split(":")[1]);
  const count = native.cudaDevices();
  if (index >= count) {
    const fault = count > 0 ? beyond(device, count) : faultOf(device, native.cudaFault());
    throw new UserError(...fault, "device");
  }
  native.chooseCudaKernels(wantsTf32(), wantsDeterminism());
}

type Fault = [message: string, remedy: string];

function beyond(device: string, count: number): Fault {
  const known = count === 1 ? "one GPU, cuda:0" : `${count} GPUs, cuda:0 to cuda:${count - 1}`;
  return [`device: ${device} is not available: libtorch finds ${known}.`, "Name one of those, or write auto."];
}

/** Why there is no GPU, from what libtorch says of it. */
function faultOf(device: string, said = "No CUDA GPUs are available"): Fault {
  const fault = (why: string, remedy: string): Fault => [`device: ${device} is not available: ${why}.`, remedy];
  const orCpu = "or write `device: cpu`.";
  if (/without ATen_cuda|not (compiled|linked) with/i.test(said))
    return fault("this libtorch is a CPU build", `Set LIBTORCH to a CUDA build of it and set up again, ${orCpu}`);
  if (/no NVIDIA driver/i.test(said))
    return fault("this machine has no NVIDIA driver", `Install it, so that \`nvidia-smi\` lists the GPU, ${orCpu}`);
  const version = /driver on your system is too old \(found version (\d+)\)/i.exec(said)?.[1];
  if (version) {
    const cuda = `${Math.floor(Number(version) / 1000)}.${Math.floor((Number(version) % 1000) / 10)}`;
    return fault(
      `the NVIDIA driver is too old for this libtorch: it knows CUDA up to ${cuda}`,
      `Update the driver, or set LIBTORCH to a build for CUDA ${cuda} and set up again.`,
    );
  }
  if (/No CUDA GPUs are available/i.test(said))
    return fault(
      "libtorch finds no GPU",
      `Check that \`nvidia-smi\` lists it and that CUDA_VISIBLE_DEVICES does not hide it, ${orCpu}`,
    );
  return fault(`CUDA does not start: ${said.split("\n")[0]}`, `Check that \`nvidia-smi\` works, ${orCpu}`);
}
