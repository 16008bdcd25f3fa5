"""A file of signatures, and its JSON Schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from convlint.signatures.names import checked
from convlint.signatures.schema import SignatureEntry, SignatureValue


class SignatureFile(SignatureValue):
    """One file of signatures."""

    format: Literal[1] = Field(alias="schema")
    signature: tuple[Annotated[SignatureEntry, AfterValidator(checked)], ...]


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a signature file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **SignatureFile.model_json_schema(by_alias=True),
    }


def schema_text() -> str:
    """What `rules/signatures/schema.json` must hold."""
    return json.dumps(json_schema(), indent=2) + "\n"


if __name__ == "__main__":
    path = Path(__file__).parents[2] / "rules" / "signatures" / "schema.json"
    path.write_text(schema_text(), encoding="utf-8")
