"""Makes the golden images and records what Pillow and transformers read from them.

usage: python make.py     (needs numpy, pillow before 12.2, which resizes some shapes in another order, transformers)

`files/` holds small images of every kind the decoder reads or refuses. `images.json` holds, for each one that is read:
its size, the SHA-256 of its RGB bytes with transparency on white and dropped, of the bytes after Pillow's bicubic resize
to Qwen2-VL's frame, and a sample of the Pillow image processor's pixel_values. `resize.json` holds resizes of a pattern
that the test computes itself.
"""
import hashlib, json, pathlib, struct
import numpy as np
import PIL
from PIL import Image, ImageCms, PngImagePlugin

try:
    import tvshim  # noqa: F401  (only where torchvision is built for another device)
except ImportError:
    pass
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil, smart_resize

HERE = pathlib.Path(__file__).parent
FILES = HERE / "files"
FILES.mkdir(exist_ok=True)
MIN_PIXELS, MAX_PIXELS = 3136, 16000
rng = np.random.default_rng(7)
# The segment that Adobe's programs write into a JPEG; its last byte says whether colours are stored as YCCK.
ADOBE = b"\xff\xee\x00\x0eAdobe\x00d\x00\x00\x00\x00\x00"


def scene(width, height, channels=3):
    """Smooth ramps, a hard-edged disc and a little noise: ringing, clipping and rounding all show."""
    y, x = np.mgrid[0:height, 0:width]
    base = np.stack([x * 255 / max(1, width - 1), y * 255 / max(1, height - 1), (x * 7 + y * 13) % 256, (x + y) * 4 % 256][:channels], -1)
    disc = (x - width / 2) ** 2 + (y - height / 2) ** 2 < (min(width, height) / 3) ** 2
    base[disc] = 255 - base[disc]
    base[:, : width // 8] = 255
    return np.clip(base + rng.normal(0, 6, base.shape), 0, 255).astype(np.uint8)


def rgb(width, height):
    return Image.fromarray(scene(width, height))


def swapped_profile():
    """An sRGB profile whose red and blue primaries changed places: whoever applies it moves every pixel far."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    tags = {bytes(data[132 + 12 * i : 136 + 12 * i]): 136 + 12 * i for i in range(struct.unpack(">I", data[128:132])[0])}
    red, blue = tags[b"rXYZ"], tags[b"bXYZ"]
    data[red : red + 8], data[blue : blue + 8] = data[blue : blue + 8], data[red : red + 8]
    return bytes(data)


def save(name, image, **options):
    image.save(FILES / name, **options)


def make_files():
    save("rgb-1x1.png", Image.new("RGB", (1, 1), (200, 30, 90)))
    save("rgb-2x3.png", rgb(2, 3))
    save("rgb-1x150.png", rgb(1, 150))
    save("rgb-200x1.png", rgb(200, 1))
    save("rgb-603x3-too-long.png", rgb(603, 3))
    save("rgb-64x48.png", rgb(64, 48))
    save("rgb-28x56-as-is.png", rgb(56, 112))
    save("grey.png", Image.fromarray(scene(50, 37, 1)[:, :, 0]))
    save("one-bit.png", Image.fromarray(scene(45, 33, 1)[:, :, 0]).convert("1"))
    save("palette.png", rgb(61, 40).quantize(16))
    palette = rgb(41, 40).quantize(16)
    save("palette-alpha.png", palette, transparency=bytes([0, 40, 80, 120, 160, 200, 255]))
    save("rgba.png", Image.fromarray(scene(53, 47, 4)))
    save("grey-alpha.png", Image.fromarray(scene(39, 31, 4)[:, :, [0, 3]], "LA"))
    save("rgb-colour-key.png", Image.fromarray((scene(33, 30) // 86 * 85).astype(np.uint8)), transparency=(85, 85, 85))
    save("interlaced.png", rgb(37, 29))
    save("text-chunk.png", rgb(20, 20), pnginfo=text_chunk())
    save("jpeg-420.jpg", rgb(93, 71), quality=85, subsampling=2)
    save("jpeg-444.jpg", rgb(50, 90), quality=90, subsampling=0)
    save("jpeg-grey.jpg", Image.fromarray(scene(70, 45, 1)[:, :, 0]), quality=80)
    save("jpeg-progressive.jpg", rgb(120, 80), quality=75, progressive=True)
    exif = Image.Exif()
    exif[0x0112] = 6
    save("jpeg-exif-rotated.jpg", rgb(80, 40), quality=85, exif=exif)
    save("jpeg-profile.jpg", rgb(64, 40), quality=90, icc_profile=swapped_profile())
    save("png-profile.png", rgb(30, 24), icc_profile=swapped_profile())
    save("webp-lossy.webp", rgb(90, 60), quality=70)
    save("webp-lossless-alpha.webp", Image.fromarray(scene(48, 36, 4)), lossless=True, exact=True)
    frames = [Image.fromarray((scene(40, 30) // 64 * 64).astype(np.uint8)) for _ in range(3)]
    save("animated.gif", frames[0], save_all=True, append_images=frames[1:], duration=50)
    save("animated.webp", frames[0], save_all=True, append_images=frames[1:], duration=50, lossless=True)
    keyed = palette.copy()
    keyed.putpixel((0, 0), 3)
    save("transparent.gif", keyed, transparency=3)
    save("webp-named.png", rgb(44, 44), format="WEBP", quality=80)
    save("wide.png", rgb(300, 40).quantize(64))
    save("cmyk.jpg", rgb(32, 24).convert("CMYK"), quality=80)
    # Refused by name.
    save("grey-16-bit.png", Image.fromarray((scene(20, 16, 1)[:, :, 0].astype(np.uint16) * 257)))
    save("bitmap.bmp", rgb(8, 8))
    save("tagged.tiff", rgb(8, 8))
    # Stored as inks: with black among them, and marked in every way.
    inks = Image.fromarray(scene(61, 43, 4), "CMYK")
    save("cmyk-420-progressive.jpg", inks, quality=85, subsampling=2, progressive=True)
    save("cmyk-profile.jpg", inks, quality=85, icc_profile=swapped_profile())
    plain = (FILES / "cmyk.jpg").read_bytes()
    (FILES / "cmyk-ycck.jpg").write_bytes(plain.replace(ADOBE, ADOBE[:-1] + b"\x02"))
    (FILES / "cmyk-unmarked.jpg").write_bytes(plain.replace(ADOBE, b""))


def text_chunk():
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "a text chunk before the pixels")
    return info


def sha(data):
    return hashlib.sha256(bytes(data)).hexdigest()


def on_white(image):
    """The rule for Qwen: whatever is transparent lies on white."""
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGB", image.size, (255, 255, 255))
        white.paste(image, mask=image.split()[3])
        return white
    return image.convert("RGB")


def sampled(values):
    flat = values.reshape(-1)
    at = [int(i) for i in np.linspace(0, flat.size - 1, 25)]
    return {"at": at, "values": [float(flat[i]) for i in at]}


def main():
    assert tuple(int(part) for part in PIL.__version__.split(".")[:2]) < (12, 2), PIL.__version__
    make_files()
    processor = Qwen2VLImageProcessorPil(min_pixels=MIN_PIXELS, max_pixels=MAX_PIXELS)
    out = {}
    for file in sorted(FILES.iterdir()):
        image = Image.open(file)
        if file.name in ("grey-16-bit.png", "bitmap.bmp", "tagged.tiff", "rgb-603x3-too-long.png"):
            continue
        white = on_white(image)
        height, width = smart_resize(white.height, white.width, 28, MIN_PIXELS, MAX_PIXELS)
        resized = white.resize((width, height), Image.Resampling.BICUBIC)
        processed = processor(images=[white], return_tensors="np")
        out[file.name] = {
            "width": white.width,
            "height": white.height,
            "white": sha(white.tobytes()),
            "drop": sha(Image.open(file).convert("RGB").tobytes()),
            "frame": [width, height],
            "resized": sha(resized.tobytes()),
            "grid_thw": processed["image_grid_thw"][0].tolist(),
            "pixel_values": sampled(processed["pixel_values"]),
        }
    json.dump({"min_pixels": MIN_PIXELS, "max_pixels": MAX_PIXELS, "images": out}, open(HERE / "images.json", "w"))

    # A pattern that needs no file: byte i of an image is (i * 131 + i // 7 * 29 + i * i) mod 256.
    resizes = []
    for width, height, to_width, to_height in [
        (1, 1, 28, 28), (2, 2, 5, 3), (7, 5, 7, 9), (5, 7, 9, 7), (64, 48, 28, 28), (200, 160, 140, 112), (97, 3, 28, 28), (3, 97, 14, 200),
        (640, 480, 504, 364), (33, 21, 231, 147), (300, 1, 28, 5), (128, 128, 127, 129), (613, 41, 56, 41), (50, 50, 50, 50), (640, 480, 644, 476), (30, 90, 28, 56), (90, 30, 56, 28),
    ]:
        i = np.arange(width * height * 3, dtype=np.int64)
        pattern = ((i * 131 + i // 7 * 29 + i * i) % 256).astype(np.uint8).reshape(height, width, 3)
        result = Image.fromarray(pattern).resize((to_width, to_height), Image.Resampling.BICUBIC)
        resizes.append({"from": [width, height], "to": [to_width, to_height], "sha256": sha(result.tobytes())})
    json.dump(resizes, open(HERE / "resize.json", "w"))

    sizes = []
    for height, width in [(480, 640), (354, 640), (14, 14), (42, 70), (70, 42), (98, 126), (10, 200), (200, 10), (1, 150), (3000, 4000), (28, 28), (27, 5400), (1080, 1920), (126, 98)]:
        for low, high in [(3136, 200704), (3136, 12845056), (50176, 100352)]:
            sizes.append({"size": [height, width], "pixels": [low, high], "to": list(smart_resize(height, width, 28, low, high))})
    json.dump(sizes, open(HERE / "smart_resize.json", "w"))


main()
