"""Tokenizers that are not on this machine: the lengths that a program asks for, and numbers below their vocabulary."""

from __future__ import annotations

from typing import Any

import torch

from convlint.worker.dry_run.world import current

_LENGTHS = (11, 17)
_VOCABULARIES = {"bert-base-cased": 28996, "roberta": 50265, "gpt2": 50257, "t5": 32100, "bert-base-chinese": 21128}
_UNCASED = 30522


class Encoding(dict[str, Any]):
    """What a tokenizer gives: a dict whose keys are attributes as well."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def to(self, *_: Any, **__: Any) -> Encoding:
        return self


class StandInTokenizer:
    pad_token_id = eos_token_id = cls_token_id = sep_token_id = mask_token_id = bos_token_id = 0
    pad_token = eos_token = cls_token = sep_token = mask_token = bos_token = "[PAD]"
    model_max_length = 512

    def __init__(self, name: str) -> None:
        found = (size for part, size in _VOCABULARIES.items() if part in name)
        self.vocab_size = next(found, _UNCASED)
        self.has_types = "bert" in name and "roberta" not in name and "distil" not in name

    def __len__(self) -> int:
        return self.vocab_size

    def __call__(self, text: Any = None, _: Any = None, **given: Any) -> Encoding:
        padded = given.get("padding") in ("max_length",) or given.get("pad_to_max_length")
        length = given.get("max_length") if padded else None
        if length is None:
            length = current().made_up("the length of a text", *_LENGTHS)
            length = min(length, given.get("max_length") or length)
        is_many = isinstance(text, list | tuple)
        ids = torch.ones((len(text) if is_many else 1, int(length)), dtype=torch.int64)
        names = ["input_ids", *(["token_type_ids"] if self.has_types else []), "attention_mask"]
        if given.get("return_tensors") is not None:
            return Encoding({name: ids.clone() for name in names})
        return Encoding({name: ids.tolist() if is_many else ids[0].tolist() for name in names})

    encode_plus = batch_encode_plus = __call__

    def encode(self, text: Any, **given: Any) -> Any:
        return self(text, **given)["input_ids"]

    def tokenize(self, *_: Any, **__: Any) -> list[str]:
        return ["word"] * current().made_up("the length of a text", *_LENGTHS)

    def convert_tokens_to_ids(self, tokens: Any) -> Any:
        return [0] * len(tokens) if isinstance(tokens, list) else 0

    def decode(self, *_: Any, **__: Any) -> str:
        return ""

    def batch_decode(self, ids: Any, *_: Any, **__: Any) -> list[str]:
        return [""] * len(ids)

    def add_special_tokens(self, *_: Any, **__: Any) -> int:
        return 0

    def save_pretrained(self, *_: Any, **__: Any) -> None:
        pass
