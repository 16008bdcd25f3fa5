"""Products of matrices."""

from __future__ import annotations

from collections.abc import Sequence

from convlint.facts import Dim
from convlint.ops.kind import OperationKind
from convlint.ops.operation import Operation, Shape
from convlint.ops.work import UNKNOWN, Work, product_of


def _matrix_product(operation: Operation) -> Work:
    if len(operation.inputs) != 2 or not operation.inputs[0] or not operation.outputs:
        return UNKNOWN
    return product_of((operation.inputs[0][-1],), operation.outputs[0])


def _added_product(operation: Operation) -> Work:
    if len(operation.inputs) != 3 or not operation.inputs[1]:
        return UNKNOWN
    shared: Shape = (operation.inputs[1][0],) if operation.kind == "addbmm" else ()
    return product_of((operation.inputs[1][-1], *shared), operation.outputs[0])


def _summed(operation: Operation) -> Work:
    """einsum of two tensors: a product for each combination of the letters that are left in them."""
    text = operation.options.get("equation")
    if not isinstance(text, str) or "." in text or len(operation.inputs) != 2:
        return UNKNOWN
    given, arrow, result = text.replace(" ", "").partition("->")
    parts = given.split(",")
    sizes = _sizes_of_letters(parts, operation.inputs)
    if not arrow or sizes is None:
        return UNKNOWN
    first, second = parts
    kept = [letter for letter in sizes if letter in result or (letter in first and letter in second)]
    return product_of(tuple(sizes[letter] for letter in kept))


def _sizes_of_letters(parts: Sequence[str], shapes: Sequence[Shape]) -> dict[str, Dim] | None:
    """The size that each letter of an equation stands for; None where the letters are not those of the shapes."""
    if [len(letters) for letters in parts] != [len(shape) for shape in shapes]:
        return None
    sizes: dict[str, Dim] = {}
    for letters, shape in zip(parts, shapes, strict=True):
        for letter, size in zip(letters, shape, strict=True):
            sizes[letter] = size if sizes.get(letter, 1) == 1 else sizes[letter]  # a size of 1 is broadcast
    return sizes


_PRODUCTS = ("matmul", "__matmul__", "bmm", "mm", "mv", "dot", "linalg_matmul")
_UNCOUNTED = ("tensordot", "chain_matmul", "multi_dot", "cdist", "inner", "outer", "kron", "__rmatmul__", "conv_tbc")

KINDS = (
    OperationKind("matmul", functions=_PRODUCTS, work=_matrix_product),
    *(OperationKind(name, functions=(name,), work=_added_product) for name in ("addmm", "addmv", "baddbmm", "addbmm")),
    OperationKind("einsum", functions=("einsum",), arguments=("equation",), work=_summed),
    *(OperationKind(name, functions=(name,), work=lambda _: UNKNOWN) for name in _UNCOUNTED),
)
