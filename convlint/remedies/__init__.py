"""What the user can do about models that were not checked: facts in, sentences and configuration out."""

from convlint.remedies.remedy import ConfigPlace, Remedy, place_of, remedies, remedy
from convlint.remedies.stanza import MARK, Stanza

__all__ = ["MARK", "ConfigPlace", "Remedy", "Stanza", "place_of", "remedies", "remedy"]
