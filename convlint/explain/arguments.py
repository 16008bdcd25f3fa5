"""What the arguments of a layer mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from convlint.facts import Attribute
from convlint.ops.operation import Operation

_MEANINGS: Final[dict[str, str]] = {
    "in_channels": "the input must have {} channels: its second size",
    "out_channels": "{} kernels are learnt, each gives one output channel",
    "kernel_size": "the window that one output pixel looks at",
    "stride": "the window moves on by {} each time, so sizes shrink about {} times",
    "padding": "{} zeros are put around the input, on each side",
    "output_padding": "{} is added to one side of the output",
    "dilation": "the pixels that a kernel looks at lie {} apart",
    "groups": "the channels are split into {} groups that do not see each other",
    "ceil_mode": "whether a window that hangs over the edge counts",
    "output_size": "the size that goes out, whatever comes in",
    "in_features": "the last size of the input must be {}",
    "out_features": "the last size of the output is {}",
    "num_features": "the input must have {} channels: its second size",
    "normalized_shape": "the last sizes of the input must be {}",
    "num_groups": "the channels are normalised in {} groups",
    "num_channels": "the input must have {} channels: its second size",
    "num_embeddings": "the table has {} rows: the numbers that come in must be below {}",
    "embedding_dim": "each row has {} numbers: the size that is added at the end",
    "input_size": "the last size of the input must be {}",
    "hidden_size": "the memory has {} numbers",
    "num_layers": "{} layers on top of each other",
    "bidirectional": "whether the sequence is read backwards as well, which doubles the last size",
    "batch_first": "whether the batch is the first size of the input, else the sequence",
    "proj_size": "the memory is projected to {} numbers",
    "embed_dim": "the last size of the query must be {}",
    "num_heads": "{} heads share the features; embed_dim must divide by {}",
    "kdim": "the last size of the key must be {}",
    "vdim": "the last size of the value must be {}",
    "p": "the share of numbers that are set to 0 while training",
    "start_dim": "size {} of the input is the first that is joined, counted from 0 (0 is the batch)",
    "end_dim": "the last size that is joined; -1 is the last of all",
    "scale_factor": "the output is so many times larger",
    "upscale_factor": "height and width become {} times larger",
    "downscale_factor": "height and width become {} times smaller",
}
_USUAL: Final[Mapping[str, Attribute]] = {
    "output_padding": 0,
    "dilation": 1,
    "groups": 1,
    "proj_size": 0,
    "ceil_mode": False,
}
_SPECIAL: Final = {
    ("stride", 1): "the window moves on by one pixel each time",
    ("padding", 0): "nothing is put around the input",
    ("padding", "same"): "so many zeros are put around the input that the size stays",
    ("padding", "valid"): "nothing is put around the input",
}


def arguments(operation: Operation) -> Iterator[tuple[str, str, str]]:
    """The arguments that shapes depend on: name, value and what it means here."""
    for name, value in operation.options.items():
        if name not in _MEANINGS or value is None:
            continue
        values = value if isinstance(value, tuple) else (value,)
        same = values[0] if len(set(values)) == 1 else None
        if name in _USUAL and same == _USUAL[name]:
            continue
        text = "x".join(map(str, values))
        if same is not None and name != "kernel_size":
            text = str(same)
        yield name, text, _SPECIAL.get((name, same), _MEANINGS[name].replace("{}", text))
