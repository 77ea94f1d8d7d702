"""Bearer tokens: who acts and in which role, signed with the service key (JWT, RFC 7519, HS256)."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256

import jwt

from domain.errors import LedgerError
from domain.values import Actor, Role

AUDIENCE = "complaint-ledger"


class InvalidToken(LedgerError):
    """A token that is malformed, not ours, or expired."""


def _signing_key(service_key: bytes) -> bytes:
    # Not the service key itself: a digest of a command must never pass as a signature.
    return sha256(b"token:" + service_key).digest()


def issue(service_key: bytes, by: Actor, *, now: datetime, valid_for: timedelta) -> str:
    """Return a token for ``by`` that expires ``valid_for`` after ``now``."""
    claims = {"sub": by.id, "role": by.role.value, "aud": AUDIENCE, "iat": now, "exp": now + valid_for}
    return jwt.encode(claims, _signing_key(service_key), algorithm="HS256")


def read(service_key: bytes, token: str) -> Actor:
    """Return whom a token stands for; raises InvalidToken."""
    try:
        claims = jwt.decode(
            token,
            _signing_key(service_key),
            algorithms=["HS256"],
            audience=AUDIENCE,
            options={"require": ["sub", "role", "exp", "aud"]},
        )
        return Actor(claims["sub"], Role(claims["role"]))
    except (jwt.InvalidTokenError, ValueError) as error:
        raise InvalidToken(f"the token is not valid ({error})", hint="get one with: complaints token") from None
