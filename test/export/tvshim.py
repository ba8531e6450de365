"""Makes `import torchvision` work beside a CPU-only torch. Import it before transformers or TRL.

pip's default torchvision wheel is built for CUDA: its compiled part does not load beside a CPU torch, and the import
then stops because `torchvision::nms` and `torchvision::qnms` do not exist. Nothing here calls those two operators, so
declaring their names is enough. Where torchvision is whole, or absent, this does nothing.
"""

import importlib.util
import sys

import torch

_library = None
if importlib.util.find_spec("torchvision") is not None:
    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        _library = torch.library.Library("torchvision", "FRAGMENT")  # kept alive: its operators go when it goes
        for operator in ("nms", "qnms"):
            _library.define(f"{operator}(Tensor boxes, Tensor scores, float iou_threshold) -> Tensor")
        import torchvision  # noqa: F401
