"""What the reference numbers of all model families share: pictures, a tokenizer, log-probabilities, file formats."""

import json
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import GenerationConfig, PreTrainedTokenizerFast

GREEDY = 24
COLUMN_STEP = 16
LAST = 8
SAMPLES = 8
MIN_LEAD = 2e-3  # a greedy choice closer than this could turn on rounding
MIN_VARIETY = 6  # distinct tokens in 24: a model that repeats one token tests little

# Qwen2's word pattern.
WORD = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"

CORPUS = (
    "system user assistant You are a helpful assistant. Question: what is where in the picture? The red kite is above "
    "the grey boat, and two people stand beside it. <think> {'bbox_2d': [12, 30, 88, 57]} </think> <rethink> </rethink> "
    "<answer> yes no left right one two three four"
)


def byte_level(merges: int, special: list[str], **fields) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer built as Qwen2's is: 256 bytes, `merges` pairs, then the special tokens."""
    bpe = Tokenizer(models.BPE())
    bpe.normalizer = normalizers.NFC()
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(WORD), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=256 + merges, initial_alphabet=alphabet, show_progress=False)
    bpe.train_from_iterator([CORPUS] * 8, trainer)
    bpe.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        clean_up_tokenization_spaces=False,
        model_max_length=4096,
        **fields,
    )


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_vocabulary(folder: Path, bpe: dict) -> None:
    """vocab.json and merges.txt of a tokenizer.json, as older folders have them."""
    write_json(folder / "vocab.json", bpe["model"]["vocab"])
    merges = [" ".join(pair) for pair in bpe["model"]["merges"]]
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")


# Times 1/sqrt(fan in), the scale of a random weight: attention that a flat softmax would hide.
GAIN = {"q_proj": 2, "k_proj": 2, "v_proj": 1.5, "o_proj": 1.5, "qkv": 1.5}


def randomise(model, dtype: str, seed: int) -> None:
    """Weights that keep every activation near unit scale: no bias is 0, no norm is 1, and attention is sharp, so that a
    mistake in any of them shows. Values are rounded to `dtype`; the arithmetic is float32."""
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=random)
            if name.endswith("bias"):
                value = 0.3 * noise
            elif name.endswith(("cls_token", "position_embeddings")):
                value = 0.5 * noise
            elif parameter.dim() == 1:
                value = 1 + 0.2 * noise
            else:
                fan_in = parameter[0].numel()
                gain = next((gain for part, gain in GAIN.items() if part in name), 1)
                value = gain * noise / fan_in**0.5
            parameter.copy_(value.to(getattr(torch, dtype)))


def synthetic(width: int, height: int) -> Image.Image:
    """RGB level of channel c at column x, row y: (x (5 + 2c) + y (9 - 3c) + (xy >> (3 + c)) + 40c) mod 256."""
    y, x, c = np.ogrid[:height, :width, :3]
    return Image.fromarray(((x * (5 + 2 * c) + y * (9 - 3 * c) + ((x * y) >> (3 + c)) + 40 * c) % 256).astype(np.uint8))


class Store:
    """Little-endian arrays end to end in one file; `index` says where each is: {dtype, shape, offset} by key."""

    def __init__(self):
        self.bytes, self.index = bytearray(), {}

    def add(self, key: str, values) -> None:
        array = np.ascontiguousarray(torch.as_tensor(values).detach().numpy().astype("<f4"))
        self.index[key] = {"dtype": "float32", "shape": list(array.shape), "offset": len(self.bytes)}
        self.bytes += array.tobytes()


def round8(values):
    """Eight significant digits: more than float32 holds."""
    return [round8(v) for v in values] if isinstance(values, list) else float(f"{values:.8g}")


def write(path: Path, record: dict, store: Store) -> None:
    """JSON with one line a key and, inside a list of records, one line a record."""
    lines = []
    for key, value in {**record, "tensors": store.index}.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            text = "[\n  " + ",\n  ".join(json.dumps(item, ensure_ascii=False) for item in value) + "\n ]"
        else:
            text = json.dumps(value, ensure_ascii=False)
        lines.append(f" {json.dumps(key)}: {text}")
    path.parent.mkdir(exist_ok=True)
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    path.with_suffix(".bin").write_bytes(store.bytes)


def masked(logits: torch.Tensor, ids: list[int]) -> torch.Tensor:
    return logits.index_fill(-1, torch.tensor(ids), float("-inf"))


def logprobs(logits: torch.Tensor, completion: list[int]) -> torch.Tensor:
    """Log-probability of each completion token; logits [tokens, vocabulary] of prompt and completion together."""
    rows = logits[-len(completion) - 1 : -1].log_softmax(-1)
    return rows[torch.arange(len(completion)), torch.tensor(completion)]


def extended(inputs: dict, ids: list[int]) -> dict:
    """The inputs with text tokens appended."""
    tail = torch.tensor([ids], dtype=torch.long)
    pieces = {"input_ids": tail, "attention_mask": torch.ones_like(tail), "mm_token_type_ids": torch.zeros_like(tail)}
    return {**inputs, **{key: torch.cat([inputs[key], piece], dim=1) for key, piece in pieces.items() if key in inputs}}


def loss_of(model, items: list[dict], masked_ids: list[int]) -> torch.Tensor:
    """Mean negative log-probability over all completion tokens of all items, the masked ids left out."""
    values = []
    for item in items:
        logits = model(**extended(item["inputs"], item["completion_ids"])).logits[0]
        values.append(logprobs(masked(logits, masked_ids), item["completion_ids"]))
    return -torch.cat(values).mean()


def greedy(model, inputs: dict, masked_ids: list[int], pad: int) -> tuple[list[list[int]], float]:
    """GREEDY tokens for each row, end-of-sequence ignored, and the smallest lead of a winner over its runner-up."""
    plan = GenerationConfig(
        do_sample=False,
        max_new_tokens=GREEDY,
        suppress_tokens=masked_ids,
        pad_token_id=pad,
        return_dict_in_generate=True,
        output_scores=True,
    )
    model.generation_config = GenerationConfig()
    with torch.no_grad():
        out = model.generate(**inputs, generation_config=plan)
    best = torch.stack(out.scores).topk(2).values
    return out.sequences[:, inputs["input_ids"].shape[1] :].tolist(), (best[..., 0] - best[..., 1]).min().item()


@contextmanager
def in_float64(model):
    """The model computes in float64, also where transformers asks for float32 (softmax, norms). Its gradients in float32
    are up to 8e-5 off, as much as they are to tell apart from a mistake."""
    single = torch.float32
    model.double()
    torch.float32 = torch.float64
    try:
        yield
    finally:
        torch.float32 = single


def gradient_of(grad: torch.Tensor) -> dict:
    """Norm, projection on cos(i) over the flat index i, and evenly spaced entries."""
    flat = grad.double().flatten()
    at = torch.arange(SAMPLES) * flat.numel() // SAMPLES
    return {
        "norm": round8(flat.norm().item()),
        "projection": round8((flat * torch.arange(flat.numel()).double().cos()).sum().item()),
        "samples": round8(flat[at].tolist()),
    }
