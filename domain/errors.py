"""What a command can be refused for. Each error says what is wrong and what to do about it."""

from __future__ import annotations


class LedgerError(Exception):
    """Base of every refusal: ``message`` says what and where, ``hint`` what would help."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(f"{message}: {hint}" if hint else message)
        self.message = message
        self.hint = hint


class InvalidInput(LedgerError):
    """A value that no state of the ledger could accept."""


class RuleViolation(LedgerError):
    """An action that is not legal in the present state.

    ``rule`` is the stable name of the rule, ``source`` the law or publication that it comes from, where there is one.
    """

    def __init__(self, rule: str, message: str, *, hint: str = "", source: str = "") -> None:
        super().__init__(message, hint=hint)
        self.rule = rule
        self.source = source


class UnknownStream(LedgerError):
    """There is no such complaint, merchant or other stream."""


class StaleVersion(LedgerError):
    """The stream is not at the version that the caller expected; ``actual`` is where it is."""

    def __init__(self, stream: str, expected: int, actual: int) -> None:
        super().__init__(
            f"{stream} is at version {actual}, not {expected}",
            hint="read it again, decide anew, and repeat the command with the version you read",
        )
        self.stream, self.expected, self.actual = stream, expected, actual


class ReusedKey(LedgerError):
    """An idempotency key that was used before, by the same actor, for something else."""
