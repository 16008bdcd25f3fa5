"""What the user can do about models that were not checked: facts in, sentences and configuration out."""

from convlint.remedies.remedy import Place, Remedy, place_of, remedies, remedy
from convlint.remedies.stanza import MARK, Stanza

__all__ = ["MARK", "Place", "Remedy", "Stanza", "place_of", "remedies", "remedy"]
