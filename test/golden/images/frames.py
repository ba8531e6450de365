"""Records what Pillow and transformers make of pictures of every size: frames.json.

    PYTHONPATH=test/export python frames.py     (needs numpy, pillow before 12.2, transformers, qwen-vl-utils)

Each case is the size of a synthetic picture (`synthetic` in ../shared.py) and the fewest and most pixels of its frame.
`fetched` is set where Qwen's `fetch_image` resizes it first, as the original's training did. Recorded are the frame, the
SHA-256 of all pixel_values as little-endian float32, and a sample of them; or `refused`, where the reference raises.
"""

import hashlib
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
try:
    import tvshim  # noqa: F401  (only where torchvision is built for another device)
except ImportError:
    pass
import numpy as np  # noqa: E402
import PIL  # noqa: E402
from qwen_vl_utils import fetch_image  # noqa: E402
from shared import synthetic  # noqa: E402
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil  # noqa: E402

# The paper's limits, and those of the released model.
PAPER, RELEASED = (3136, 200704), (3136, 12845056)
# fmt: off
SMALL = [
    (1, 1), (2, 1), (1, 2), (3, 5), (13, 13), (27, 27), (28, 28), (29, 28), (56, 56), (55, 57),
    # Halves, which Python rounds to the even neighbour.
    (14, 14), (42, 70), (98, 42), (126, 154),
    # The longest shapes taken, and the first that are not.
    (1, 200), (200, 1), (2, 400), (28, 5600), (5600, 28), (7, 1393), (1, 201), (603, 3),
]
PHOTOGRAPHS = [(640, 480), (333, 500), (1023, 767), (1920, 1080), (100, 20000)]
CASES = [
    *[(size, limits, False) for size in SMALL + PHOTOGRAPHS for limits in (PAPER, RELEASED)],
    ((6000, 4000), PAPER, False), ((6000, 4000), RELEASED, False),
    *[(size, PAPER, True) for size in [
        (1, 1), (3, 2), (14, 14), (42, 70), (30, 40), (1, 200), (200, 1), (5, 1000), (8000, 40), (1, 201),
        (640, 480), (333, 500), (1023, 767), (1920, 1080),
        # More pixels than `fetch_image` lets through; the last is within 1:200 before that, and beyond it after.
        (4000, 3500), (6000, 4000), (50000, 300), (51000, 255),
    ]],
    ((4000, 3500), RELEASED, True),
]
# fmt: on


def record(size, limits, fetched):
    case = {"size": size, "pixels": limits, "fetched": fetched}
    processor = Qwen2VLImageProcessorPil(min_pixels=limits[0], max_pixels=limits[1])
    image = synthetic(*size)
    try:
        image = fetch_image({"image": image}) if fetched else image
        out = processor(images=[image], return_tensors="np")
    except ValueError as error:
        assert "aspect ratio" in str(error), error
        return {**case, "refused": True}
    _, rows, columns = out["image_grid_thw"][0].tolist()
    values = np.ascontiguousarray(out["pixel_values"].astype("<f4")).reshape(-1)
    at = np.linspace(0, values.size - 1, 8).astype(int).tolist()
    return {
        **case,
        "frame": [columns * 14, rows * 14],
        "sha256": hashlib.sha256(values).hexdigest(),
        "at": at,
        "values": [float(values[i]) for i in at],
    }


def main():
    version = tuple(int(part) for part in PIL.__version__.split(".")[:2])
    assert version < (12, 2), f"Pillow {PIL.__version__} resizes some shapes in another order; take one before 12.2"
    lines = ",\n ".join(json.dumps(record(*case)) for case in CASES)
    (HERE / "frames.json").write_text(f"[\n {lines}\n]\n")


main()
