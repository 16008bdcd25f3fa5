"""What the arguments of a layer mean."""

from __future__ import annotations

from collections.abc import Iterator

from convlint.ops.operation import Operation
from convlint.ops.registry import layer_arguments


def arguments(operation: Operation) -> Iterator[tuple[str, str, str]]:
    """The arguments that shapes depend on: name, value and what it means here."""
    known = layer_arguments()
    for name, value in operation.options.items():
        argument = known.get(name)
        if argument is None or value is None:
            continue
        values = value if isinstance(value, tuple) else (value,)
        same = values[0] if len(set(values)) == 1 else None
        if same is not None and same == argument.usual:
            continue
        text = "x".join(map(str, values))
        if same is not None and name != "kernel_size":
            text = str(same)
        meaning = argument.means(same, text)
        if meaning is not None:
            yield name, text, meaning
