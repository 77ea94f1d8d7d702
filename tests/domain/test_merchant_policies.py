"""Policies that a merchant adopts beforehand."""

from __future__ import annotations

from datetime import date
from typing import Any

from domain.event import Event
from domain.merchant import policies
from domain.merchant.policies import PolicyAdopted, PolicyDropped
from domain.rulebook.events import PolicyPublished
from domain.rulebook.policies import PolicyTemplate
from domain.rulebook.state import evolve
from domain.streams import MERCHANT as MERCHANTS
from tests.domain.scenario import CONSUMER, FIRST, MERCHANT, SERVICE, Given, day, given
from tests.domain.test_merchant_links import REGISTERED

RETURN = FIRST.policies["seven-day-return"]
ADOPTED = PolicyAdopted(occurred_at=day(1), actor=MERCHANT, edition=1, policy=RETURN)
ADOPT: dict[str, Any] = {"at": day(1), "by": MERCHANT, "policy_id": "seven-day-return", "edition": 1}
DROPPED = PolicyDropped(occurred_at=day(3), actor=MERCHANT, policy_id="seven-day-return", reason="too dear")
DROP: dict[str, Any] = {"at": day(3), "by": MERCHANT, "policy_id": "seven-day-return", "reason": "too dear"}


def second_edition(**changed: Any) -> Any:
    policy = PolicyTemplate.model_validate({**RETURN.model_dump(), "within_days": 15, **changed})
    return evolve(FIRST, PolicyPublished(occurred_at=day(0), actor=SERVICE, edition=2, policy=policy))


def after(*history: Event, book: Any = FIRST) -> Given:
    return given(REGISTERED, *history, kind=MERCHANTS, book=book)


def test_c6_a_merchant_adopts_an_edition_of_a_policy_as_it_stands() -> None:
    after().when(policies.adopt_policy, **ADOPT).then(ADOPTED)


def test_c6_what_is_not_published_is_not_adopted() -> None:
    after().when(policies.adopt_policy, **{**ADOPT, "policy_id": "best-price"}).invalid("no policy 'best-price'")
    after().when(policies.adopt_policy, **{**ADOPT, "edition": 2}).refused("policy-as-published")
    after(book=second_edition()).when(policies.adopt_policy, **ADOPT).refused("policy-as-published")


def test_c6_a_policy_that_is_no_longer_in_force_is_not_adopted() -> None:
    over = second_edition(in_force_to=date(2026, 1, 31))
    after(book=over).when(policies.adopt_policy, **{**ADOPT, "edition": 2}).refused("policy-in-force")


def test_c6_an_edition_is_adopted_once_and_a_newer_one_takes_its_place() -> None:
    after(ADOPTED).when(policies.adopt_policy, **ADOPT).refused("policy-adopted-once")
    after().when(policies.adopt_policy, **{**ADOPT, "by": CONSUMER}).refused("policy-adopted-once-by")
    every = [ADOPTED.model_copy(update={"policy": one}) for one in FIRST.policies.values()]
    after(*every).when(policies.adopt_policy, **ADOPT).refused("policy-adopted-once")
    book = second_edition()
    newer = PolicyAdopted(occurred_at=day(2), actor=MERCHANT, edition=2, policy=book.policies["seven-day-return"])
    after(ADOPTED, book=book).when(policies.adopt_policy, **{**ADOPT, "at": day(2), "edition": 2}).then(newer)
    after(ADOPTED, book=book).when(policies.adopt_policy, **{**ADOPT, "at": day(0), "edition": 2}).invalid(
        "before what was adopted or dropped last"
    )
    merchant = MERCHANTS.fold([REGISTERED, ADOPTED, newer, DROPPED])
    assert [[one.edition for one in merchant.adopted(day(n))] for n in (0, 1, 2, 3)] == [[], [1], [2], []]


def test_c6_a_policy_is_dropped_and_adopted_again() -> None:
    after(ADOPTED).when(policies.drop_policy, **DROP).then(DROPPED)
    after(ADOPTED, DROPPED).when(policies.adopt_policy, **{**ADOPT, "at": day(4)}).then(
        ADOPTED.model_copy(update={"occurred_at": day(4)})
    )
    after(ADOPTED, DROPPED).when(policies.adopt_policy, **{**ADOPT, "at": day(2)}).invalid("dropped last")


def test_c6_only_what_is_adopted_is_dropped() -> None:
    after().when(policies.drop_policy, **DROP).refused("policy-dropped-when-adopted")
    after(ADOPTED, DROPPED).when(policies.drop_policy, **DROP).refused("policy-dropped-when-adopted")
    after(ADOPTED).when(policies.drop_policy, **{**DROP, "policy_id": "other"}).refused("policy-dropped-when-adopted")
    after(ADOPTED).when(policies.drop_policy, **{**DROP, "at": day(0)}).refused("policy-dropped-when-adopted")
    exchange = PolicyAdopted(
        occurred_at=day(0), actor=MERCHANT, edition=1, policy=FIRST.policies["exchange-when-defective"]
    )
    after(exchange, ADOPTED).when(policies.drop_policy, **{**DROP, "at": day(0.5)}).invalid("the policy was adopted")
