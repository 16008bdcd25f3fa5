"""The names that NumPy has for arguments, which torch's own functions take as well: `torch.cat(parts, axis=1)`."""

from __future__ import annotations

from typing import Any, Final

# As in torch's parser of arguments (torch/csrc/utils/python_arg_parser.cpp, `numpy_compatibility_arg_names`).
_NAMES: Final = {
    "axis": "dim",
    "keepdims": "keepdim",
    **dict.fromkeys(("x", "a", "x1"), "input"),
    "x2": "other",
}
_IN_PYTHON: Final = ("torch.nn.functional.", "torch.functional.")  # written in Python, they take the one name
_OWN: Final = "quantize"  # whose `axis` is not a dim of a result


def canonical(name: str, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The keywords under torch's names."""
    if kwargs.keys().isdisjoint(_NAMES) or name.startswith(_IN_PYTHON) or _OWN in name:
        return kwargs
    return {_NAMES.get(key, key): value for key, value in kwargs.items()}
