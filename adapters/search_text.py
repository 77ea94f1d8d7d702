"""What people write to search texts with, as a query of PostgreSQL; see docs/definitions.md, "Search"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from unicodedata import normalize

from domain.errors import InvalidInput
from projections.complaint_texts import is_unspaced, words

MAX_CHARACTERS = 500
#: Shorter beginnings stand for too many words.
LEAST_BEGINNING = 3
_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»‹›「」『』〝〞〟❝❞", '"'))


def query(text: str) -> str:
    """Return the ``tsquery`` of a text: all its words, and those in quotes next to each other, in that order.

    A word that ends in an asterisk stands for all that begin so. Raises InvalidInput for a text without words.
    """
    if len(text) > MAX_CHARACTERS:
        raise InvalidInput(f"the text has {len(text):,} characters", hint=f"search for at most {MAX_CHARACTERS}")
    # As texts are, so that there is one form of each quote and asterisk, too.
    pieces = normalize("NFKC", text).translate(_QUOTES).split('"')
    if len(pieces) % 2 == 0:
        # The last quote is not closed: it is as if it were not there.
        pieces[-2:] = [" ".join(pieces[-2:])]
    wanted = [word for piece in pieces[::2] for chunk in piece.split() for _, word in _wanted(chunk)]
    wanted += [phrase for piece in pieces[1::2] if (phrase := _phrase(piece))]
    if not wanted:
        raise InvalidInput(f"there is no word in {text!r}", hint="search for words or characters, not for signs alone")
    return " & ".join(dict.fromkeys(wanted))


def _phrase(text: str) -> str:
    found, at = "", 0
    for place, word in _wanted(text):
        found += f" <{place - at}> {word}" if found else word
        at = place
    return f"({found})" if found else ""


def _wanted(text: str) -> Iterator[tuple[int, str]]:
    """Yield words with their places. A character alone stands for all pairs that begin with it."""
    place = 0
    # An asterisk in front of a letter parts words, as other signs do. Behind the last part there was none.
    parts = re.split(r"\*(?!\w)", text)
    for number, part in enumerate(parts, 1):
        found = words(part)
        begins = number < len(parts) and part[-1:].isalnum()
        for at, word in enumerate(found):
            if len(word) == 1 and is_unspaced(word):
                # The last of a run is in the pair before it already.
                if at == 0 or len(found[at - 1]) == 1 or not is_unspaced(found[at - 1]):
                    yield place + at, f"'{word}':*"
            elif begins and at == len(found) - 1 and len(word) >= LEAST_BEGINNING:
                yield place + at, f"'{word}':*"
            else:
                yield place + at, f"'{word}'"
        place += len(found)
