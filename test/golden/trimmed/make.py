"""Writes the configs of the golden checkpoints without every key that equals its class's default, as transformers 4 does.

    python make.py

`<family>/<checkpoint>/` gets config.json and the processor's file, trimmed; the rest of a checkpoint stays where it is. What
transformers makes of a trimmed config is compared with what it makes of the whole one. defaults.json holds the classes'
defaults. Made with transformers 5.24; it needs Pillow, and no weights.
"""

import json
from copy import deepcopy
from pathlib import Path

from transformers import (
    GotOcr2ImageProcessorPil,
    InternVLConfig,
    PreTrainedConfig,
    Qwen2_5_VLConfig,
    Qwen2VLImageProcessorPil,
)
from transformers.models.internvl.configuration_internvl import InternVLVisionConfig
from transformers.models.qwen2.configuration_qwen2 import Qwen2Config
from transformers.models.qwen2_5_vl.configuration_qwen2_5_vl import Qwen2_5_VLTextConfig, Qwen2_5_VLVisionConfig

HERE = Path(__file__).resolve().parent

# Always written: they say which class it is.
KEPT = {"architectures", "model_type", "image_processor_type", "processor_class", "transformers_version"}
ROTARY = ("rope_parameters", "rope_scaling")

# By the code that OpenGVLab's checkpoints bring along: `InternVLChatConfig` and `InternVisionConfig`.
CHAT = {
    "select_layer": -1, "force_image_size": None, "downsample_ratio": 0.5, "template": None, "dynamic_image_size": False,
    "use_thumbnail": False, "ps_version": "v1", "min_dynamic_patch": 1, "max_dynamic_patch": 6,
}  # fmt: skip
VIT = {
    "num_channels": 3, "patch_size": 14, "image_size": 224, "qkv_bias": False, "hidden_size": 3200, "num_attention_heads": 25,
    "intermediate_size": 12800, "qk_normalization": True, "num_hidden_layers": 48, "hidden_act": "gelu", "norm_type": "rms_norm",
    "layer_norm_eps": 1e-6, "drop_path_rate": 0.0, "initializer_factor": 0.1,
}  # fmt: skip

def values(config) -> dict:
    """A class's defaults in the form that JSON has them, the rotary ones of older files beside the newer."""
    found = json.loads(json.dumps(config().to_dict()))
    found["rope_theta"] = config.default_theta
    return found

def without(part: dict, defaults: dict) -> dict:
    """`part` without what `defaults` says anyway."""
    kept = {}
    for key, value in part.items():
        if key in ROTARY and isinstance(value, dict):
            value = without(value, {"rope_theta": defaults["rope_theta"], "rope_type": "default"})
            if value:
                kept[key] = value
        elif key in KEPT or key not in defaults or value != defaults[key]:
            kept[key] = value
    return kept

def trimmed(config: dict) -> dict:
    if config["model_type"] == "internvl_chat":
        parts = {"vision_config": VIT, "llm_config": values(Qwen2Config)}
        top = CHAT
    elif config["model_type"] == "internvl":
        parts = {"vision_config": values(InternVLVisionConfig), "text_config": values(Qwen2Config)}
        top = values(InternVLConfig)
    else:
        parts = {"vision_config": values(Qwen2_5_VLVisionConfig), "text_config": values(Qwen2_5_VLTextConfig)}
        top = values(Qwen2_5_VLConfig)
        if "text_config" not in config:
            top = {**top, **parts["text_config"]}
    parts = {key: defaults for key, defaults in parts.items() if key in config}
    rest = {key: value for key, value in config.items() if key not in parts}
    return {**without(rest, top), **{key: without(config[key], defaults) for key, defaults in parts.items()}}

def check(whole: dict, short: dict) -> None:
    """transformers reads the same from both."""
    classes = {"internvl": InternVLConfig, "qwen2_5_vl": Qwen2_5_VLConfig}
    if whole["model_type"] in classes:
        config = classes[whole["model_type"]]
        ours, theirs = (config.from_dict(deepcopy(given)).to_dict() for given in (short, whole))
        different = {key: (theirs[key], ours.get(key)) for key in theirs if theirs[key] != ours.get(key)}
        assert not different, different

def trimmed_processor(settings: dict) -> dict:
    """Of an image processor: its class's attributes are its defaults."""
    if "image_processor" in settings:
        return {"image_processor": trimmed_processor(settings["image_processor"])} | {
            key: value for key, value in settings.items() if key not in ("image_processor", "video_processor")
        }
    name = settings.get("image_processor_type", "")
    known = {"Qwen2VLImageProcessor": Qwen2VLImageProcessorPil, "GotOcr2ImageProcessor": GotOcr2ImageProcessorPil}
    if name not in known:
        return settings
    defaults = {key: getattr(known[name], key) for key in settings if hasattr(known[name], key)}
    defaults["rescale_factor"] = 1 / 255
    return without(settings, json.loads(json.dumps(defaults)))

def write(path: Path, value: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2) + "\n")

def write_defaults() -> None:
    text, vit = values(Qwen2Config), values(InternVLVisionConfig)
    defaults = {
        "qwen2_5_vl": {**values(Qwen2_5_VLConfig), "text": values(Qwen2_5_VLTextConfig), "vision": values(Qwen2_5_VLVisionConfig)},
        "internvl": {**values(InternVLConfig), "text": text, "vision": vit},
        "internvl_chat": {**CHAT, "text": text, "vision": VIT},
    }
    # Every class has these, and none says anything of a model with them.
    noise = {*PreTrainedConfig().to_dict(), "text_config", "vision_config", "layer_types"}
    write(HERE / "defaults.json", {name: own(part, noise) for name, part in defaults.items()})


def own(part: dict, noise: set[str]) -> dict:
    return {key: own(value, noise) if key in ("text", "vision") else value for key, value in part.items() if key not in noise}


def main() -> None:
    write_defaults()
    for family in ("qwen2_5_vl", "internvl"):
        for folder in sorted((HERE.parent / family / "checkpoints").iterdir()):
            whole = json.loads((folder / "config.json").read_text())
            short = trimmed(whole)
            check(whole, short)
            write(HERE / family / folder.name / "config.json", short)
            for name in ("processor_config.json", "preprocessor_config.json"):
                if (folder / name).exists():
                    write(HERE / family / folder.name / name, trimmed_processor(json.loads((folder / name).read_text())))

if __name__ == "__main__":
    main()
