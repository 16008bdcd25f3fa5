"""Plausible values for what only the user knows, to be put into a configuration and marked as to be filled in."""

from __future__ import annotations

import re
from typing import Final

from convlint.facts import Dim

Plain = bool | int | float | str | list["Plain"]
"""What TOML can say of an argument."""

SIZES: Final[dict[str, int]] = {"C": 3, "D": 16, "F": 128, "H": 224, "L": 128, "N": 16, "S": 128, "T": 128, "W": 224}
"""The size to write for a symbol, by its letter."""
OTHER_SIZE: Final = 64

IMAGE: Final[tuple[Dim, ...]] = ("B", 3, 224, 224)

# What no configuration can say: objects, which have to be made in code.
_CODE: Final = re.compile(
    r"(args|opts?|options|config|configs|cfg|hparams|hyper_?params|params|conf|flags|settings?|namespace)"
    r"|.*_(config|cfg|args|opts?|conf|params|hparams)"
    r"|.*(model|net|network|backbone|encoder|decoder|generator|discriminator|extractor|module|critic|actor|layer"
    r"|block|norm|activation|act|fn|func|function|callback|initializer|criterion|dtype|tokenizer|vocabulary|vocab"
    r"|word2idx|weights|embeddings|embedding_matrix|weights_matrix|anchors|adj|graph|dataset)"
)

# The first pattern that fits a constructor's argument decides; the rest are sizes.
_ARGUMENTS: Final[tuple[tuple[str, Plain], ...]] = (
    (r".*(pretrained|verbose|debug|freeze|inplace)|(use|is|with|has|return|add)_.*|bias|.*_bias|bidirectional", False),
    (r".*(drop|rate|prob|momentum|temperature|slope|alpha|eps).*|p", 0.1),
    (r".*(classes|n_class|num_class|labels|n_?cls|n_out|actions)", 10),
    (r".*(vocab|num_embeddings|n_?tokens|num_users|num_items|dict_size).*", 1000),
    (r"(n|num|nb)?_?(attention_|attn_)?heads?|nhead", 4),
    (r"layers|depths|num_blocks|.*_(sizes|dims|list|channels_list|units)|sizes|dims", [64, 128]),
    (r"(n|num|nb)?_?.*(layers?|depth|blocks|stages|levels)|nlayers", 2),
    (r".*(kernel|filter_size|ksize).*|k", 3),
    (r"(stride|dilation|groups|padding|pad).*", 1),
    (r".*(scale|factor|reduction|expansion|mult).*", 2),
    (r".*(img|image|resolution|crop).*(size|dim)?|height", 224),
    (r".*patch.*", 16),
    (r".*(len|length|context|max_position|steps|frames)", 128),
    (r"(in|input|num|n|img|image)?_?(channels?|chans?|ch|c)|inplanes|in_planes", 3),
    (r"device|dev", "cpu"),
    (r"(.*_)?(mode|type|name|kind|variant|version|arch|method|task|path|file|dir|folder|root)", ""),
)

# The same for a parameter of forward that is no tensor.
_VALUES: Final[tuple[tuple[str, Plain], ...]] = (
    (r"(p|alpha|.*ratio|temperature|dropout|lambd?a?|eps|teacher_forc.*)", 0.5),
    (r"(is|return|use|do|with)_.*|train(ing)?|eval|test|verbose|deterministic|detach|log", False),
    (r"device|dev", "cpu"),
    (r"mode|name|type|task", ""),
)

# Parameters of forward whose first guess was that they may be left out: of these a tensor is what TOML can say.
_TENSORS: Final[tuple[tuple[str, tuple[Dim, ...]], ...]] = (
    (r".*mask.*|.*padding.*", ("B", "L")),
    (r".*(hidden|state|cache|past|memory|hx|h0|c0|h_0|c_0).*|[hc]x?", ("B", 128)),
)


def argument(name: str) -> Plain | None:
    """A value for an argument of a constructor; None where it takes code to make one."""
    word = name.lower().strip("_")
    found = _first(_ARGUMENTS, word)
    if found is not None:
        return found
    return None if _CODE.fullmatch(word) else OTHER_SIZE


def plain_or_shape(name: str) -> Plain | tuple[Dim, ...]:
    """For a parameter of forward that was not taken for a tensor: a plain value, or as a tuple the shape of one."""
    word = name.lower().strip("_")
    tensor = next((shape for pattern, shape in _TENSORS if re.fullmatch(pattern, word)), None)
    if tensor is not None:
        return tensor
    found = _first(_VALUES, word)
    return 2 if found is None else found


def shape(sizes: tuple[Dim, ...], *, keep: str) -> tuple[Dim, ...]:
    """The shape with numbers for its symbols, but for those whose letters are to be kept."""
    return tuple(size if isinstance(size, int) or size[:1] in keep else number(size) for size in sizes)


def number(symbol: str) -> int:
    """`H2` -> 224."""
    return SIZES.get(symbol.rstrip("0123456789"), OTHER_SIZE)


def _first(table: tuple[tuple[str, Plain], ...], word: str) -> Plain | None:
    return next((found for pattern, found in table if re.fullmatch(pattern, word)), None)
