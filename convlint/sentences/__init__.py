"""Facts in words: the one place where the sentences about reasons and origins are made."""

from convlint.sentences.origins import arguments_text, construction_text, source_text
from convlint.sentences.reasons import sentence

__all__ = ["arguments_text", "construction_text", "sentence", "source_text"]
