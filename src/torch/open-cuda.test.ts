import { afterEach, expect, it, vi } from "vitest";
import { UserError } from "../util/errors.ts";
import { native } from "./native.ts";
import { openCuda } from "./open-cuda.ts";

/** Answers of a machine with so many GPUs, or of one where CUDA fails. */
function machine(devices: number, fault?: string) {
  vi.spyOn(native, "cudaDevices").mockReturnValue(devices);
  vi.spyOn(native, "cudaFault").mockReturnValue(fault);
}
afterEach(() => void vi.restoreAllMocks());

const CPU_BUILD =
  "Cannot initialize CUDA without ATen_cuda library. PyTorch splits its backend into two shared libraries";
const NO_DRIVER =
  "Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU and installed a driver from http://www.nvidia.com/Download/index.aspx";
const TOO_OLD =
  "The NVIDIA driver on your system is too old (found version 12020). Please update your GPU driver by downloading and installing a new version";

it.each<[string, number, string | undefined, string, RegExp]>([
  ["the eighth of four", 4, undefined, "cuda:7", /cuda:7 .* finds 4 GPUs, cuda:0 to cuda:3\.\n +Name one of those/],
  ["the second of one", 1, undefined, "cuda:1", /finds one GPU, cuda:0\./],
  ["a CPU build", 0, CPU_BUILD, "cuda:0", /cuda:0 is not available: this libtorch is a CPU build\.\n +Set LIBTORCH/],
  ["no driver", 0, NO_DRIVER, "cuda:0", /this machine has no NVIDIA driver\.\n +Install it/],
  ["an old driver", 0, TOO_OLD, "cuda:0", /too old .* CUDA up to 12\.2\.\n +Update the driver.* for CUDA 12\.2/],
  ["no GPU", 0, "No CUDA GPUs are available", "cuda:0", /finds no GPU\.\n +Check .*CUDA_VISIBLE_DEVICES/],
  ["another fault", 0, "CUDA unknown error\nat line 3", "cuda:0", /CUDA does not start: CUDA unknown error\.\n/],
])("%s is refused with what to do", (_, devices, fault, device, wanted) => {
  machine(devices, fault);
  const choose = vi.spyOn(native, "chooseCudaKernels");
  expect(() => openCuda(device)).toThrow(UserError);
  expect(() => openCuda(device)).toThrow(wanted);
  expect(choose).not.toHaveBeenCalled();
});

it.skipIf(native.cudaDevices() > 0)("the libtorch of this machine, whichever it is, says why it has no GPU", () => {
  expect(() => openCuda("cuda:0")).toThrow(
    /is not available: (this libtorch is a CPU build|this machine has no NVIDIA driver)\./,
  );
});

it("a device that is there computes without cuDNN's attention and TF32", () => {
  native.chooseCudaKernels(true, true);
  expect(native.cudaKernels().slice(1)).toEqual([true, true]);
  machine(2);
  openCuda("cuda:1");
  expect(native.cudaKernels()).toEqual([false, false, false]);
});

it("an error of CUDA says that an earlier operator may have caused it, and how to find that", () => {
  const assertion = native.find("aten::_assert_async", "msg");
  const zero = native.call(native.find("aten::zeros", ""), []) as number;
  try {
    const fail = (text: string) => () => native.call(assertion, zero, text);
    expect(fail("CUDA error: device-side assert triggered")).toThrow(
      /An operator before this.* CUDA_LAUNCH_BLOCKING=1/,
    );
    expect(fail("shapes differ")).toThrow(/^shapes differ\n {2}in aten::_assert_async\.msg\(.*\)$/);
  } finally {
    native.dispose(zero);
  }
});
