"""Records what the Pillow image processor of transformers makes of images, as InternVLProcessor calls it: images.json.

    python images.py

Each case is a file of ../images/files, or the size of a synthetic picture (`synthetic` in ../shared.py), with the side of
its tiles and the fewest and most of them. Recorded are the grid, the SHA-256 of the bytes after the resize to that grid,
and a sample of pixel_values, laid out tile by tile as flattened patches of 14x14 pixels: (row, column, channel, y, x).
"""

import hashlib
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "export"), str(HERE.parent)]
import tvshim  # noqa: E402, F401

import numpy as np  # noqa: E402
import PIL  # noqa: E402
from PIL import Image  # noqa: E402
from transformers import GotOcr2ImageProcessorPil  # noqa: E402
from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import get_optimal_tiled_canvas  # noqa: E402

from checkpoints import IMAGENET  # noqa: E402
from shared import synthetic  # noqa: E402

FILES = HERE.parent / "images" / "files"
PATCH = 14
# Transparent GIFs, 16 bits a channel and other formats are refused. A colour key stays with an RGB image, and
# transformers has come to paste it on white; the released models were trained with transparency ignored.
LEFT_OUT = ("grey-16-bit.png", "bitmap.bmp", "tagged.tiff", "transparent.gif", "rgb-colour-key.png")
# Source, side of a tile, fewest and most tiles.
CASES = [
    *[(file.name, 28, 1, 6) for file in sorted(FILES.iterdir()) if file.name not in LEFT_OUT],
    # One pixel, and shapes at and beyond the longest grid.
    ((1, 1), 28, 1, 12), ((1, 1), 448, 1, 1), ((3, 2), 28, 1, 12), ((1, 400), 28, 1, 12), ((700, 2), 28, 1, 12), ((30, 360), 28, 1, 12),
    # The tile itself, a pixel more, and whole grids.
    ((28, 28), 28, 1, 12), ((29, 28), 28, 1, 12), ((56, 28), 28, 1, 2), ((84, 56), 28, 1, 6), ((112, 84), 28, 1, 12),
    # Equally near grids: a larger one is taken where the image has more than half its pixels.
    ((40, 40), 28, 1, 12), ((39, 39), 28, 1, 12), ((60, 60), 28, 1, 12), ((41, 82), 28, 1, 12), ((20, 60), 28, 1, 12), ((100, 80), 28, 2, 2),
    # One tile only, and no fewer than two.
    ((200, 90), 28, 1, 1), ((30, 30), 28, 2, 6), ((90, 30), 28, 4, 4),
    # Photographs.
    ((640, 480), 448, 1, 2), ((333, 500), 448, 1, 12), ((1920, 1080), 448, 1, 4), ((6000, 4000), 448, 1, 12),
]  # fmt: skip


def record(source, tile: int, least: int, most: int) -> dict:
    image = Image.open(FILES / source).convert("RGB") if isinstance(source, str) else synthetic(*source)
    processor = GotOcr2ImageProcessorPil(
        size={"height": tile, "width": tile}, min_patches=least, max_patches=most, crop_to_patches=True, **IMAGENET
    )
    grid = get_optimal_tiled_canvas((image.height, image.width), (tile, tile), least, most)
    canvas = image.resize((grid[0] * tile, grid[1] * tile), Image.Resampling.BICUBIC)
    pixels = processor(images=[image], return_tensors="np")["pixel_values"]
    across = tile // PATCH
    rows = pixels.reshape(len(pixels), 3, across, PATCH, across, PATCH).transpose(0, 2, 4, 1, 3, 5).reshape(-1)
    at = np.linspace(0, rows.size - 1, 30).astype(int)
    return {
        "source": source,
        "tile": tile,
        "limits": [least, most],
        "grid": list(grid),
        "tiles": len(pixels),
        "canvas": hashlib.sha256(canvas.tobytes()).hexdigest(),
        "at": at.tolist(),
        "values": [float(rows[i]) for i in at],
    }


def main() -> None:
    version = tuple(int(part) for part in PIL.__version__.split(".")[:2])
    assert version < (12, 2), f"Pillow {PIL.__version__} resizes some shapes in another order; take one before 12.2"
    lines = ",\n ".join(json.dumps(record(*case)) for case in CASES)
    (HERE / "images.json").write_text(f"[\n {lines}\n]\n")


main()
