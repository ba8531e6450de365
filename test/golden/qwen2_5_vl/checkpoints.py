"""Small random Qwen2.5-VL checkpoints: shapes, weights, tokenizer, and the ways such a folder is laid out on disk.

config  `nested`: text_config and vision_config, as transformers 5 writes them, with processor_config.json.
        `flat`:   text fields at the top level, as in the released Qwen/Qwen2.5-VL files, with preprocessor_config.json.
names   `released`: model.layers…, visual…, lm_head. The released files, and what transformers' save_pretrained writes.
        `module`:   model.language_model.layers…, model.visual…, lm_head. The module tree; what a raw state dict holds.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from shared import byte_level, randomise, write_json, write_vocabulary
from transformers import (
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
    Qwen2VLImageProcessorPil,
    Qwen2VLVideoProcessor,
)


@dataclass(frozen=True)
class Spec:
    """One checkpoint. `shard` is transformers' max_shard_size; `merges` the byte pairs the tokenizer learns."""

    name: str
    config: str
    names: str
    dtype: str
    tied: bool
    hidden: int
    heads: int
    kv: int
    layers: int
    ff: int
    section: tuple[int, int, int]
    vhidden: int
    vheads: int
    depth: int
    vff: int
    window: int
    full: tuple[int, ...]
    merges: int
    vocab: int
    eps: float = 1e-6
    theta: float = 1e6
    shard: str = "1GB"


# fmt: off
SPECS = [
    Spec("tied", "nested", "released", "float32", True, 48, 3, 1, 2, 76, (2, 3, 3), 24, 2, 2, 40, 112, (1,), 44, 325),
    Spec("sharded", "flat", "released", "float32", False, 32, 4, 2, 3, 52, (2, 1, 1), 16, 2, 3, 28, 56, (0, 2), 30, 309, shard="60KB"),
    # As the released 3B: flat, tied, bfloat16, in shards.
    Spec("released", "flat", "released", "bfloat16", True, 64, 4, 2, 2, 100, (2, 3, 3), 32, 4, 4, 54, 112, (1, 3), 60, 341, shard="100KB"),
    # Tensors named by the module tree; as many key/value heads as heads; windows of 2x2 merged patches.
    Spec("module", "nested", "module", "float32", False, 40, 2, 2, 2, 66, (4, 3, 3), 20, 1, 2, 30, 56, (1,), 20, 300, eps=1e-5),
    # Four layers on both sides, head dimension 12, another rotary base.
    Spec("deep", "nested", "released", "float32", True, 36, 3, 3, 4, 44, (2, 2, 2), 16, 2, 4, 26, 56, (1, 3), 50, 327, theta=1e4),
    # No block sees the whole image.
    Spec("windowed", "nested", "released", "bfloat16", False, 32, 2, 1, 2, 70, (4, 2, 2), 16, 4, 3, 36, 112, (), 36, 318),
    # Every block sees the whole image.
    Spec("full", "flat", "released", "float32", True, 48, 6, 3, 2, 58, (1, 2, 1), 16, 1, 2, 34, 112, (0, 1), 64, 334, theta=5e5),
    # The widest: module names and bfloat16 in shards, more vocabulary rows than tokens.
    Spec("broad", "nested", "module", "bfloat16", False, 96, 4, 2, 2, 110, (4, 4, 4), 16, 2, 3, 38, 56, (2,), 76, 380, shard="120KB"),
]
# fmt: on

SPECIAL = [
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>",
    "<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>",
    "<|image_pad|>", "<|video_pad|>",
]  # fmt: skip
# What a policy must never emit: these stand for pixels, or frame them.
MASKED = ["<|vision_start|>", "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>"]

TEMPLATE = """\
{%- for message in messages -%}
{%- if loop.first and message.role != 'system' -%}
{{ '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}
{%- endif -%}
{{ '<|im_start|>' + message.role + '\\n' }}
{%- if message.content is string -%}
{{ message.content }}
{%- else -%}
{%- for part in message.content -%}
{%- if part.type == 'image' -%}
{{ '<|vision_start|><|image_pad|><|vision_end|>' }}
{%- else -%}
{{ part.text }}
{%- endif -%}
{%- endfor -%}
{%- endif -%}
{{ '<|im_end|>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{ '<|im_start|>assistant\\n' }}
{%- endif -%}
"""


def tokenizer(spec: Spec) -> PreTrainedTokenizerFast:
    return byte_level(spec.merges, SPECIAL, chat_template=TEMPLATE)


def processor(spec: Spec) -> Qwen2_5_VLProcessor:
    """The processor with Pillow's resampling, whose pixels are the reference."""
    images = Qwen2VLImageProcessorPil(min_pixels=28 * 28 * 4, max_pixels=28 * 28 * 256)
    return Qwen2_5_VLProcessor(images, tokenizer(spec), Qwen2VLVideoProcessor(), chat_template=TEMPLATE)


def special_ids(spec: Spec) -> dict[str, int]:
    return {token: 256 + spec.merges + i for i, token in enumerate(SPECIAL)}


def text_fields(spec: Spec) -> dict:
    ids = special_ids(spec)
    return dict(
        vocab_size=spec.vocab,
        hidden_size=spec.hidden,
        intermediate_size=spec.ff,
        num_hidden_layers=spec.layers,
        num_attention_heads=spec.heads,
        num_key_value_heads=spec.kv,
        max_position_embeddings=4096,
        rms_norm_eps=spec.eps,
        rope_theta=spec.theta,
        rope_scaling={"type": "mrope", "mrope_section": list(spec.section)},
        bos_token_id=ids["<|endoftext|>"],
        eos_token_id=ids["<|im_end|>"],
    )


def vision_fields(spec: Spec) -> dict:
    return dict(
        depth=spec.depth,
        hidden_size=spec.vhidden,
        num_heads=spec.vheads,
        intermediate_size=spec.vff,
        out_hidden_size=spec.hidden,
        patch_size=14,
        spatial_merge_size=2,
        temporal_patch_size=2,
        window_size=spec.window,
        fullatt_block_indexes=list(spec.full),
        tokens_per_second=2,
    )


def token_fields(spec: Spec) -> dict:
    ids = special_ids(spec)
    return dict(
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
    )


def flat_config(spec: Spec) -> dict:
    """config.json with the keys of the released Qwen/Qwen2.5-VL files."""
    text = text_fields(spec)
    return {
        "architectures": ["Qwen2_5_VLForConditionalGeneration"],
        "attention_dropout": 0.0,
        **token_fields(spec),
        "vision_token_id": special_ids(spec)["<|vision_pad|>"],
        "hidden_act": "silu",
        "initializer_range": 0.02,
        "max_window_layers": 70,
        "model_type": "qwen2_5_vl",
        "sliding_window": 4096,
        "tie_word_embeddings": spec.tied,
        "torch_dtype": spec.dtype,
        "transformers_version": "4.41.2",
        "use_cache": True,
        "use_sliding_window": False,
        "vision_config": {"hidden_act": "silu", "in_chans": 3, "spatial_patch_size": 14, **vision_fields(spec)},
        **text,
    }


def build(spec: Spec, seed: int) -> Qwen2_5_VLForConditionalGeneration:
    """The model with random weights, for eager attention in float32."""
    config = Qwen2_5_VLConfig(
        text_config=dict(text_fields(spec), tie_word_embeddings=spec.tied),
        vision_config=vision_fields(spec),
        tie_word_embeddings=spec.tied,
        **token_fields(spec),
    )
    config._attn_implementation = "eager"
    model = Qwen2_5_VLForConditionalGeneration(config).eval()
    randomise(model, spec.dtype, seed)
    return model


def save(spec: Spec, model: Qwen2_5_VLForConditionalGeneration, folder: Path) -> None:
    """Writes the whole Hugging Face folder in the layout `spec` names."""
    ids = special_ids(spec)
    model.generation_config.pad_token_id = ids["<|endoftext|>"]
    stored = model.to(getattr(torch, spec.dtype))
    stored.save_pretrained(folder, max_shard_size=spec.shard, save_original_format=spec.names == "released")
    model.to(torch.float32)
    whole = processor(spec)
    if spec.config == "nested":
        whole.save_pretrained(folder)
    else:
        save_flat(spec, whole, folder)
    for file in folder.iterdir():
        file.chmod(0o644)


def save_flat(spec: Spec, whole: Qwen2_5_VLProcessor, folder: Path) -> None:
    ids = special_ids(spec)
    images = whole.image_processor
    whole.tokenizer.save_pretrained(folder)
    (folder / "chat_template.jinja").unlink()
    tokens = json.loads((folder / "tokenizer_config.json").read_text())
    bpe = json.loads((folder / "tokenizer.json").read_text())
    write_json(folder / "config.json", flat_config(spec))
    write_json(folder / "tokenizer_config.json", {**tokens, "tokenizer_class": "Qwen2Tokenizer", "chat_template": TEMPLATE})
    write_json(folder / "chat_template.json", {"chat_template": TEMPLATE})
    write_vocabulary(folder, bpe)
    write_json(
        folder / "preprocessor_config.json",
        {
            "min_pixels": images.size["shortest_edge"],
            "max_pixels": images.size["longest_edge"],
            "patch_size": 14,
            "temporal_patch_size": 2,
            "merge_size": 2,
            "image_mean": list(images.image_mean),
            "image_std": list(images.image_std),
            "image_processor_type": "Qwen2VLImageProcessor",
            "processor_class": "Qwen2_5_VLProcessor",
        },
    )
    # The released files ask for a repetition penalty: a reader of this folder must not let it into a greedy comparison.
    write_json(
        folder / "generation_config.json",
        {
            "bos_token_id": ids["<|endoftext|>"],
            "pad_token_id": ids["<|endoftext|>"],
            "do_sample": True,
            "eos_token_id": [ids["<|im_end|>"], ids["<|endoftext|>"]],
            "repetition_penalty": 1.05,
            "temperature": 0.000001,
        },
    )
