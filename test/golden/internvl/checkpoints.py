"""Small random InternVL3 checkpoints: shapes, weights, tokenizer, and the ways such a folder is laid out on disk.

layout  `module`:   model.vision_tower…, model.language_model…, lm_head. The module tree of transformers 5.
        `released`: vision_tower…, language_model.model…. The -hf files on the hub, and what save_pretrained writes.
        `original`: vision_model…, mlp1…, language_model.model…, with queries, keys and values in one tensor, the config
                    of `InternVLChatModel`, and the tokenizer in vocab.json and merges.txt. As in OpenGVLab/InternVL3-2B.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from shared import byte_level, randomise, write_json, write_vocabulary
from transformers import (
    GotOcr2ImageProcessorPil,
    InternVLConfig,
    InternVLForConditionalGeneration,
    InternVLProcessor,
    InternVLVideoProcessor,
    PreTrainedTokenizerFast,
)


@dataclass(frozen=True)
class Spec:
    """One checkpoint. `shards` files hold the weights; `merges` is the byte pairs the tokenizer learns. Tiles have `tile`
    pixels a side, the tower's positions are for `image`; one token stands for 1 / ratio squared patches."""

    name: str
    layout: str
    dtype: str
    tied: bool
    hidden: int
    heads: int
    kv: int
    layers: int
    ff: int
    vhidden: int
    vheads: int
    depth: int
    vff: int
    image: int
    tile: int
    patch: int
    ratio: float
    tiles: int
    merges: int
    vocab: int
    norm: str = "layer_norm"
    bias: bool = True
    qk_norm: bool = False
    eps: float = 1e-6
    theta: float = 1e6
    rope: str = "default"
    shards: int = 1


# fmt: off
SPECS = [
    Spec("tied", "module", "float32", True, 48, 3, 1, 2, 76, 24, 2, 2, 40, 28, 28, 7, 0.5, 4, 44, 329),
    Spec("sharded", "released", "float32", False, 32, 4, 2, 3, 52, 16, 2, 3, 28, 24, 24, 6, 0.5, 6, 30, 311, shards=3),
    # As OpenGVLab/InternVL3-2B: bfloat16 in one file, no tie, positions that would be stretched beyond the context.
    Spec("original", "original", "bfloat16", False, 64, 4, 2, 2, 100, 32, 4, 4, 54, 28, 28, 7, 0.5, 12, 60, 345, rope="dynamic"),
    # As the 38B: a tower with RMS norms, normalised queries and keys, and no attention biases; in shards.
    Spec("normed", "original", "float32", True, 40, 2, 2, 2, 66, 20, 2, 2, 30, 32, 32, 8, 0.5, 4, 20, 305, norm="rms_norm", bias=False, qk_norm=True, shards=4),
    # Sixteen patches a token, and the same normalisation in the other layout.
    Spec("quarter", "released", "bfloat16", False, 36, 3, 3, 2, 44, 16, 2, 2, 26, 40, 40, 5, 0.25, 3, 50, 327, norm="rms_norm", bias=False, qk_norm=True, theta=1e4),
    # Tiles of another size than the tower was made for: its positions are interpolated.
    Spec("resized", "module", "float32", False, 32, 2, 1, 2, 70, 16, 4, 3, 36, 28, 42, 7, 0.5, 4, 36, 318, eps=1e-5),
    # A token a patch; four layers on both sides.
    Spec("deep", "module", "bfloat16", True, 48, 6, 3, 4, 58, 16, 1, 4, 34, 18, 18, 6, 1.0, 6, 64, 350, rope="dynamic", shards=2),
    # The widest: more vocabulary rows than tokens, tiles smaller than the positions, the original's names in shards.
    Spec("broad", "original", "bfloat16", False, 96, 4, 2, 2, 110, 16, 2, 3, 38, 56, 28, 7, 0.5, 2, 76, 380, shards=5),
]
# fmt: on

SPECIAL = [
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<img>",
    "</img>", "<IMG_CONTEXT>", "<quad>", "</quad>", "<ref>", "</ref>", "<box>", "</box>", "<video>",
]  # fmt: skip
# What a policy must never emit: these stand for pixels, or frame them.
MASKED = ["<img>", "<IMG_CONTEXT>", "</img>", "<video>"]
CONTEXT = 2048

# As the -hf files have it.
TEMPLATE = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n'}}{% if message['content'] is string %}"
    "{{ message['content'] }}{% else %}{% for content in message['content'] %}{% if content['type'] == 'image' %}"
    "{{ '<IMG_CONTEXT>\\n' }}{% elif content['type'] == 'video' %}{{ '<video>\\n' }}{% elif content['type'] == 'text' %}"
    "{{ content['text'] }}{% endif %}{% endfor %}{% endif %}{{'<|im_end|>\\n'}}{% endfor %}{% if add_generation_prompt %}"
    "{{'<|im_start|>assistant\\n' }}{% endif %}"
)
# The system turn of the conversation `internvl2_5` in the original's code.
SYSTEM = "你是书生·万象，英文名是InternVL，是由上海人工智能实验室、清华大学及多家合作单位联合开发的多模态大语言模型。"

IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}


def tokens_per_tile(spec: Spec) -> int:
    return round((spec.tile // spec.patch * spec.ratio) ** 2)


def tokenizer(spec: Spec) -> PreTrainedTokenizerFast:
    named = {"start_image_token": "<img>", "end_image_token": "</img>", "context_image_token": "<IMG_CONTEXT>", "video_token": "<video>"}
    return byte_level(spec.merges, SPECIAL, chat_template=TEMPLATE, extra_special_tokens=named)


def processor(spec: Spec) -> InternVLProcessor:
    """The processor with Pillow's resampling, whose pixels are the reference."""
    size = {"height": spec.tile, "width": spec.tile}
    images = GotOcr2ImageProcessorPil(size=size, min_patches=1, max_patches=spec.tiles, **IMAGENET)
    return InternVLProcessor(
        images, tokenizer(spec), InternVLVideoProcessor(size=size), tokens_per_tile(spec), chat_template=TEMPLATE
    )


def special_ids(spec: Spec) -> dict[str, int]:
    return {token: 256 + spec.merges + i for i, token in enumerate(SPECIAL)}


def text_fields(spec: Spec) -> dict:
    ids = special_ids(spec)
    rope = {"rope_scaling": {"factor": 2.0, "rope_type": "dynamic", "type": "dynamic"}} if spec.rope == "dynamic" else {}
    return dict(
        model_type="qwen2",
        architectures=["Qwen2ForCausalLM"],
        vocab_size=spec.vocab,
        hidden_size=spec.hidden,
        intermediate_size=spec.ff,
        num_hidden_layers=spec.layers,
        num_attention_heads=spec.heads,
        num_key_value_heads=spec.kv,
        max_position_embeddings=CONTEXT,
        rms_norm_eps=spec.eps,
        rope_theta=spec.theta,
        tie_word_embeddings=spec.tied,
        use_sliding_window=False,
        bos_token_id=ids["<|endoftext|>"],
        eos_token_id=ids["<|im_end|>"],
        **rope,
    )


def vision_fields(spec: Spec) -> dict:
    return dict(
        hidden_size=spec.vhidden,
        num_attention_heads=spec.vheads,
        num_hidden_layers=spec.depth,
        intermediate_size=spec.vff,
        image_size=spec.image,
        patch_size=spec.patch,
        norm_type=spec.norm,
        layer_norm_eps=1e-6,
    )


def original_config(spec: Spec) -> dict:
    """config.json with the keys of the released OpenGVLab/InternVL3 files, as far as they bear on the model."""
    return {
        "architectures": ["InternVLChatModel"],
        "auto_map": {"AutoModel": "modeling_internvl_chat.InternVLChatModel"},
        "downsample_ratio": spec.ratio,
        "dynamic_image_size": True,
        "force_image_size": spec.tile,
        "llm_config": text_fields(spec),
        "max_dynamic_patch": spec.tiles,
        "min_dynamic_patch": 1,
        "model_type": "internvl_chat",
        "ps_version": "v2",
        "select_layer": -1,
        "template": "internvl2_5",
        "tie_word_embeddings": spec.tied,
        "torch_dtype": spec.dtype,
        "use_thumbnail": True,
        "vision_config": {
            "architectures": ["InternVisionModel"],
            "drop_path_rate": 0.1,
            "hidden_act": "gelu",
            "model_type": "intern_vit_6b",
            "num_channels": 3,
            "qk_normalization": spec.qk_norm,
            "qkv_bias": spec.bias,
            **vision_fields(spec),
        },
    }


def build(spec: Spec, seed: int) -> InternVLForConditionalGeneration:
    """The model with random weights, for eager attention in float32."""
    config = InternVLConfig(
        text_config=text_fields(spec),
        vision_config=dict(vision_fields(spec), use_qk_norm=spec.qk_norm, attention_bias=spec.bias),
        image_token_id=special_ids(spec)["<IMG_CONTEXT>"],
        image_seq_length=tokens_per_tile(spec),
        downsample_ratio=spec.ratio,
        tie_word_embeddings=spec.tied,
    )
    config._attn_implementation = "eager"
    model = InternVLForConditionalGeneration(config).eval()
    randomise(model, spec.dtype, seed)
    return model


ORIGINAL_NAMES = [
    (r"^model\.language_model\.", "language_model.model."),
    (r"^lm_head\.", "language_model.lm_head."),
    (r"^model\.multi_modal_projector\.layer_norm\.", "mlp1.0."),
    (r"^model\.multi_modal_projector\.linear_1\.", "mlp1.1."),
    (r"^model\.multi_modal_projector\.linear_2\.", "mlp1.3."),
    (r"^model\.vision_tower\.", "vision_model."),
    (r"\.cls_token$", ".class_embedding"),
    (r"\.position_embeddings$", ".position_embedding"),
    (r"\.patch_embeddings\.projection\.", ".patch_embedding."),
    (r"\.encoder\.layer\.", ".encoder.layers."),
    (r"\.attention\.projection_layer\.", ".attn.proj."),
    (r"\.attention\.", ".attn."),
    (r"\.layernorm_before\.", ".norm1."),
    (r"\.layernorm_after\.", ".norm2."),
    (r"\.lambda_", ".ls"),
]
RELEASED_NAMES = [
    (r"^model\.language_model\.", "language_model.model."),
    (r"^lm_head\.", "language_model.lm_head."),
    (r"^model\.", ""),
]


def by_file_name(spec: Spec, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The model's tensors (parameters or gradients) named and joined as in the checkpoint's files."""
    renamings = {"module": [], "released": RELEASED_NAMES, "original": ORIGINAL_NAMES}[spec.layout]
    named = {}
    for name, tensor in tensors.items():
        for pattern, replacement in renamings:
            name = re.sub(pattern, replacement, name)
        named[name] = tensor
    if spec.layout != "original":
        return named
    # Python's dicts keep the order: the joined tensor takes the queries' place.
    joined = {}
    for name, tensor in named.items():
        if ".attn.q_proj." in name:
            parts = [named[name.replace("q_proj", f"{part}_proj")] for part in "qkv"]
            joined[name.replace("q_proj", "qkv")] = torch.cat(parts)
        elif not re.search(r"\.attn\.[kv]_proj\.", name):
            joined[name] = tensor
    return joined


def save(spec: Spec, model: InternVLForConditionalGeneration, folder: Path) -> None:
    """Writes the whole Hugging Face folder in the layout `spec` names."""
    folder.mkdir(parents=True)
    ids = special_ids(spec)
    stored = {name: p.detach().to(getattr(torch, spec.dtype)).contiguous() for name, p in model.named_parameters()}
    save_weights(by_file_name(spec, stored), spec.shards, folder)
    whole = processor(spec)
    if spec.layout == "original":
        save_original(spec, whole, folder)
    else:
        model.config.dtype = spec.dtype
        model.config.architectures = ["InternVLForConditionalGeneration"]
        model.config.save_pretrained(folder)
        whole.save_pretrained(folder)
    eos = [ids["<|im_end|>"]] if spec.layout == "original" else ids["<|im_end|>"]
    write_json(folder / "generation_config.json", {"eos_token_id": eos, "pad_token_id": ids["<|endoftext|>"]})


def save_weights(tensors: dict[str, torch.Tensor], shards: int, folder: Path) -> None:
    if shards == 1:
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        return
    names = list(tensors)
    weight_map = {}
    for i in range(shards):
        file = f"model-{i + 1:05}-of-{shards:05}.safetensors"
        part = names[i * len(names) // shards : (i + 1) * len(names) // shards]
        save_file({name: tensors[name] for name in part}, folder / file, metadata={"format": "pt"})
        weight_map.update({name: file for name in part})
    size = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    write_json(folder / "model.safetensors.index.json", {"metadata": {"total_size": size}, "weight_map": dict(sorted(weight_map.items()))})


def save_original(spec: Spec, whole: InternVLProcessor, folder: Path) -> None:
    """The files of a released folder that are not code: the conversation template is named, not written."""
    write_json(folder / "config.json", original_config(spec))
    bpe = json.loads(whole.tokenizer.backend_tokenizer.to_str())
    write_vocabulary(folder, bpe)
    ids = special_ids(spec)
    write_json(folder / "added_tokens.json", {token: ids[token] for token in SPECIAL})
    kept = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
    write_json(
        folder / "tokenizer_config.json",
        {
            "added_tokens_decoder": {str(ids[token]): {"content": token, **kept} for token in SPECIAL},
            # The language model's own: it cannot be rendered with an image.
            "chat_template": "{% for message in messages %}{{ '<|im_start|>' + message.role + '\\n' + message.content }}{% endfor %}",
            "eos_token": "<|im_end|>",
            "model_max_length": CONTEXT,
            "pad_token": "<|endoftext|>",
            "tokenizer_class": "Qwen2Tokenizer",
        },
    )
    write_json(
        folder / "preprocessor_config.json",
        {"crop_size": spec.tile, "do_normalize": True, "do_resize": True, "feature_extractor_type": "CLIPFeatureExtractor", **IMAGENET, "resample": 3, "size": spec.tile},
    )
