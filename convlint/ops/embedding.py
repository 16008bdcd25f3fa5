"""Tables whose rows are looked up."""

from __future__ import annotations

from convlint.ops.argument import LayerArgument
from convlint.ops.kind import OperationKind
from convlint.ops.operation import Operation
from convlint.ops.work import NOTHING


def _embedding(operation: Operation) -> str | None:
    rows, width = operation.number("num_embeddings"), operation.number("embedding_dim")
    if rows is None or width is None:
        return None
    return f"looks up each whole number in a table of {rows} rows: {width} numbers for one"


KINDS = (
    OperationKind(
        "embedding",
        layers=("Embedding", "EmbeddingBag"),
        functions=("embedding",),
        work=lambda _: NOTHING,
        meaning=_embedding,
        declares=(
            LayerArgument(
                "num_embeddings",
                "the table has {} rows: the numbers that come in must be below {}",
                size_of="input",
            ),
            LayerArgument(
                "embedding_dim", "each row has {} numbers: the size that is added at the end", size_of="result"
            ),
        ),
    ),
)
