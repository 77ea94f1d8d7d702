"""Code lists, and the check digit of the unified social credit code."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from domain.values import FROZEN, ShortText

#: The id of something published, such as ``samr-order-121``.
Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+([-_][a-z0-9]+)*$", max_length=100)]
#: An administrative division of GB/T 2260; ``000000`` is the whole country.
Region = Annotated[str, Field(pattern=r"^[0-9]{6}$")]
CodeValue = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$")]

#: GB 32100: digits and letters without I, O, S, V and Z, which look like others. The place of each is its value.
_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))


class Entry(BaseModel):
    """What a code stands for; ``parent`` is the code of the next wider class of the same list."""

    model_config = FROZEN
    name: ShortText
    name_en: ShortText | None = None
    parent: CodeValue | None = None


class CodeList(BaseModel):
    """A code list such as ``GB/T 2260``. ``source`` says where codes and names come from, and of when they are."""

    model_config = FROZEN
    scheme: ShortText
    title: ShortText
    source: ShortText
    entries: dict[CodeValue, Entry]

    def under(self, code: str) -> dict[str, Entry]:
        """Return the entries whose parent is ``code``."""
        return {value: entry for value, entry in self.entries.items() if entry.parent == code}


def valid_credit_code(text: str) -> bool:
    """Return whether ``text`` is a unified social credit code: 18 characters with the right check digit (GB 32100).

    Whether anybody carries it is another question.
    """
    if len(text) != 18 or any(character not in _ALPHABET for character in text) or not text[2:8].isdigit():
        return False
    total = sum(weight * _ALPHABET.index(character) for weight, character in zip(_WEIGHTS, text, strict=False))
    return _ALPHABET[-total % 31] == text[17]
