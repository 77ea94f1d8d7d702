"""What everybody may see of a complaint: when it is shown, corrected and taken back, and that nothing personal is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import pairwise
from random import Random
from typing import Any, get_args

import pytest
from hypothesis import given as for_all

from adapters.public_feed import Change, message_of, take_up
from domain.complaint import ending, filing, negotiation, publication, settlement
from domain.complaint.clocks import Published
from domain.complaint.ending import Corrected
from domain.complaint.filing import Filed
from domain.complaint.negotiation import Regime, Routed
from domain.complaint.publication import OutcomePublished
from domain.complaint.state import OutcomeKind, RequestKind, Status, Way
from domain.event import Event
from domain.rulebook.book import EMPTY
from domain.streams import COMPLAINT
from domain.values import Channel, Code, Money, Origin, Personal
from projections.projection import Fact
from projections.public_feed import PublicComplaint, PublicOutcome, Row, fold, hide, public_view
from tests.domain.arguments import IDS
from tests.domain.lives import (
    ANSWERED,
    FILED,
    MEDIATING,
    ORDER,
    RESOLVED,
    ROUTED,
    SETTLE,
    STRANGER,
    filing_step,
    lapsed,
    lived,
    route_step,
    step,
)
from tests.domain.random_lives import a_life, histories
from tests.domain.scenario import (
    ADJUDICATOR,
    CONSUMER,
    MEDIATOR,
    MERCHANT,
    MERCHANT_ID,
    PLATFORM,
    REGULATOR,
    SERVICE,
    START,
    day,
)
from tests.domain.test_publication import BOTH, PROMISED, PUBLIC, TEXT, UNPROMISED, WITHHELD, decided
from tests.domain.test_ways import BY_PLATFORM

PUBLIC_RESOLVED = lived(step(publication.publish, day(3.5), CONSUMER), SETTLE, since=MEDIATING)
STREAM = "complaint-aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"


def rows(history: Iterable[Event]) -> list[Row]:
    """The row after each event; event n is at position 10 * n."""
    row, found = None, []
    for version, event in enumerate(history, 1):
        row = fold(row, Fact(10 * version, STREAM, version, event))
        found.append(row)
    return found


def view(*history: Event) -> PublicComplaint | None:
    """What is public when all this has happened."""
    return public_view(rows(history)[-1])


def seen(*history: Event) -> PublicComplaint:
    shown = view(*history)
    assert shown is not None
    return shown


def changes(history: Iterable[Event]) -> list[Change]:
    """What the feed says meanwhile."""
    row, found = None, []
    for version, event in enumerate(history, 1):
        row, change = take_up(row, Fact(10 * version, STREAM, version, event))
        found += [] if change is None else [change]
    return found


def test_b1_under_a_signed_promise_nothing_is_shown_for_seven_days_and_then_all_that_may_be() -> None:
    assert view(*PROMISED) is None
    assert view(*PROMISED, *lapsed(PROMISED, day(6.9))) is None
    answered = lived(step(negotiation.answer, day(1.5), MERCHANT, kind="explanation", text="no"), since=PROMISED)
    public = (*answered, *lapsed(answered, day(8)))
    assert isinstance(public[-1], Published)
    assert seen(*public) == PublicComplaint(
        complaint_id=STREAM,
        publication=1,
        position=10 * len(public),
        status=Status.ANSWERED,
        filed_on=date(2026, 3, 2),
        channel=Channel.APP,
        merchant_id=MERCHANT_ID,
        region=Code(scheme="GB/T 2260", value="330100"),
        answer="explanation",
        answered_in_time=False,
        resolved=False,
        reopened=0,
    )


def test_b1_what_was_resolved_within_the_promise_is_never_shown() -> None:
    kept = lived(step(settlement.resolve, day(1), CONSUMER, basis="consumer_confirmed"), since=PROMISED)
    assert changes((*kept, *lapsed(kept, day(300)))) == []


def test_b1_without_a_signature_it_is_shown_at_once() -> None:
    shown = seen(*UNPROMISED)
    assert (shown.publication, shown.position, shown.status) == (1, 10 * len(UNPROMISED), Status.ROUTED)
    assert seen(*PUBLIC).status is Status.ROUTED


@pytest.mark.parametrize("history", [FILED, ROUTED, ANSWERED, RESOLVED])
def test_b1_what_nobody_published_is_not_shown(history: tuple[Event, ...]) -> None:
    assert changes(history) == []


def test_b1_an_event_that_changes_what_is_shown_corrects_it_and_others_say_nothing() -> None:
    answer = step(negotiation.answer, day(1), MERCHANT, kind="explanation")
    history = lived(
        answer, step(ending.dispute, day(2), CONSUMER), step(ending.withdraw, day(3), CONSUMER), since=UNPROMISED
    )
    public = len(UNPROMISED)
    told = [PublicComplaint.model_validate_json(change.value or b"") for change in changes(history)]
    assert [(one.publication, one.position) for one in told] == [
        (1, 10 * public),
        (2, 10 * (public + 1)),
        (3, 10 * (public + 3)),
    ]
    assert [one.status for one in told] == [Status.ROUTED, Status.ANSWERED, Status.WITHDRAWN]
    assert (told[1].answered_in_time, told[1].answer) == (True, "explanation")


def test_b1_what_is_withheld_is_taken_back_for_good() -> None:
    assert view(*WITHHELD) is None
    assert [change.value is None for change in changes(WITHHELD)] == [False, True]
    closed = lived(step(ending.close, day(3), REGULATOR, ground="no_agreement"), since=WITHHELD)
    assert changes((*closed, *lapsed(closed, day(300)))) == changes(WITHHELD)


def test_b1_an_outcome_that_is_published_later_does_not_show_what_was_withheld() -> None:
    withheld = lived(
        *BOTH, step(publication.withhold, day(10), REGULATOR, reason="names a child"), since=PUBLIC_RESOLVED
    )
    published = lived(step(publication.publish_outcome, day(11), MEDIATOR, text=TEXT), since=withheld)
    assert view(*PUBLIC_RESOLVED) is not None
    assert view(*published) is None


def test_c2_a_matter_that_was_merged_is_shown_where_it_went() -> None:
    merged = lived(
        step(filing.merge, day(2), REGULATOR, into="complaint-bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb"), since=UNPROMISED
    )
    assert view(*merged) is None
    assert changes(merged)[-1] == Change(10 * len(merged), STREAM, None)


def test_b1_reopening_takes_back_the_answer_and_counts() -> None:
    history = lived(
        step(negotiation.answer, day(1), MERCHANT, kind="explanation"),
        step(ending.close, day(2), REGULATOR, ground="no_agreement"),
        step(ending.reopen, day(3), CONSUMER, reason="again"),
        since=UNPROMISED,
    )
    shown = seen(*history)
    assert (shown.status, shown.answer, shown.answered_in_time, shown.reopened) == (Status.ROUTED, None, None, 1)
    assert seen(*history[:-1]).status is Status.CLOSED


def test_d3_how_it_was_settled_is_not_told_unless_the_outcome_is_published() -> None:
    public = lived(step(publication.publish, day(5), CONSUMER), since=ROUTED)
    settled = lived(step(settlement.resolve, day(6), CONSUMER, basis="agreement", recovered=Money(fen=5)), since=public)
    shown = seen(*settled)
    assert (shown.status, shown.resolved, shown.outcome) == (Status.RESOLVED, True, None)


def test_d3_a_published_outcome_shows_how_it_ended_and_goes_on_with_its_performance() -> None:
    published = lived(*BOTH, step(publication.publish_outcome, day(10), MEDIATOR, text=TEXT), since=RESOLVED)
    assert changes(published[:-1]) == []
    assert seen(*published).outcome == PublicOutcome(
        way=Way.MEDIATION,
        ended_on=date(2026, 3, 6),
        kinds=(OutcomeKind.PARTIAL_REFUND, OutcomeKind.RETURN),
        text=TEXT,
    )
    paid = lived(step(settlement.perform, day(11), CONSUMER, item=1, amount=Money(fen=2_000)), since=published)
    outcome = seen(*paid).outcome
    assert outcome is not None
    assert outcome.recovered == (Money(fen=2_000),)
    assert [PublicComplaint.model_validate_json(c.value or b"").publication for c in changes(paid)] == [1, 2]


def test_d3_the_decision_of_a_platform_is_shown_with_its_text() -> None:
    history = lived(
        step(publication.publish_outcome, day(10), ADJUDICATOR, text=TEXT), since=decided(BY_PLATFORM, PLATFORM)
    )
    outcome = seen(*history).outcome
    assert outcome is not None
    assert (outcome.way, outcome.text, outcome.kinds) == (Way.ADJUDICATION, TEXT, ())


def test_d3_a_published_outcome_that_no_longer_stands_is_taken_back() -> None:
    published = lived(*BOTH, step(publication.publish_outcome, day(10), MEDIATOR, text=TEXT), since=RESOLVED)
    reopened = lived(step(ending.reopen, day(11), CONSUMER, reason="again"), since=published)
    assert view(*reopened) is None
    published = lived(*BOTH, step(publication.publish_outcome, day(10), MEDIATOR, text=TEXT), since=PUBLIC_RESOLVED)
    reopened = lived(step(ending.reopen, day(11), CONSUMER, reason="again"), since=published)
    assert seen(*published).outcome is not None
    assert seen(*reopened).outcome is None


REGISTER = Origin(register_name="CFPB", reference="1")


@pytest.mark.parametrize("origin", [None, REGISTER], ids=["filed here", "of a register"])
@pytest.mark.parametrize("kind", [kind for kind in RequestKind if kind is not RequestKind.COMPLAINT])
def test_a14_only_complaints_are_shown(kind: RequestKind, origin: Origin | None) -> None:
    history = lived(filing_step(kind=kind, origin=origin))
    assert view(*history, Published(occurred_at=day(1), actor=REGULATOR, basis="consumer_wish")) is None


def shown_with(**filed: Any) -> PublicComplaint:
    """What is shown of a complaint that was filed with this."""
    history = lived(filing_step(**filed), book=EMPTY)
    return seen(*history, Published(occurred_at=day(1), actor=REGULATOR, basis="consumer_wish"))


@pytest.mark.parametrize(
    ("filed", "shown"),
    [
        (Code(scheme="GB/T 2260", value="330106"), Code(scheme="GB/T 2260", value="330100")),
        (Code(scheme="GB/T 2260", value="310000"), Code(scheme="GB/T 2260", value="310000")),
        (Code(scheme="us-state", value="Li Lei, 12 Wensan Road"), None),
        (Code(scheme="postal", value="94103"), None),
        (Code(scheme="postal", value="310012"), None),
        (None, None),
    ],
)
def test_b1_where_it_is_is_told_no_finer_than_the_city(filed: Code | None, shown: Code | None) -> None:
    assert shown_with(region=filed).region == shown


@pytest.mark.parametrize("scheme", ["free", "unspecified"])
def test_b1_words_of_the_consumers_own_are_left_out(scheme: str) -> None:
    words = {"product": "Li Lei's phone", "sub_product": "blue", "issue": "broken", "sub_issue": "glass"}
    for own in (shown_with(scheme=scheme, **words), shown_with(scheme=scheme, origin=REGISTER, **words)):
        assert (own.scheme, own.product, own.sub_product, own.issue, own.sub_issue) == (None,) * 5


def test_b1_what_is_of_a_list_is_told_as_a_register_says_and_not_as_a_consumer_does() -> None:
    words = {"product": "phone", "sub_product": "blue", "issue": "broken", "sub_issue": "glass"}
    california = Code(scheme="us-state", value="CA")
    listed = shown_with(scheme="register", origin=REGISTER, region=california, **words)
    assert (listed.scheme, listed.region) == ("register", california)
    assert {name: getattr(listed, name) for name in words} == words
    # No list of this name is published, so that nobody looks up in it what is filed.
    named = shown_with(scheme="register", region=california, **words)
    assert (named.scheme, named.region) == (None, None)
    assert {name: getattr(named, name) for name in words} == dict.fromkeys(words)


def test_b1_where_the_account_lives_counts_where_nothing_else_was_said() -> None:
    account = step(
        filing.match_account,
        day(1),
        REGULATOR,
        consumer_id=STRANGER,
        basis="account",
        region=Code(scheme="GB/T 2260", value="310115"),
    )
    nowhere = lived(filing_step(region=None), account, route_step(day(2), regime=Regime.PROMISE))
    assert seen(*nowhere).region == Code(scheme="GB/T 2260", value="310100")
    for value in ("Wensan Road 1", "3301", "3301061"):
        elsewhere = nowhere[1].model_copy(update={"region": Code(scheme="GB/T 2260", value=value)})
        assert seen(nowhere[0], elsewhere, *nowhere[2:]).region is None
    somewhere = lived(filing_step(), account, route_step(day(2), regime=Regime.PROMISE))
    assert seen(*somewhere).region == Code(scheme="GB/T 2260", value="330100")


def test_b1_of_the_merchant_the_one_counts_that_was_named_last() -> None:
    other = f"merchant-{IDS[4]}"
    imported = lived(filing_step(origin=REGISTER, scheme="CFPB"))
    public = Published(occurred_at=day(1), actor=REGULATOR, basis="consumer_wish")
    routed = Routed(occurred_at=day(1), actor=SERVICE, merchant_id=MERCHANT_ID)
    corrected = Corrected(
        occurred_at=day(2),
        actor=SERVICE,
        consumer_id=CONSUMER.id,
        merchant_id=other,
        product="loan",
        answer="relief",
        in_time=True,
        region=Code(scheme="us-state", value="NY"),
    )
    assert seen(*lived(filing_step(order=ORDER)), public).merchant_id == MERCHANT_ID
    shown = seen(*imported, public, routed, corrected)
    assert (shown.merchant_id, shown.product, shown.answer, shown.answered_in_time) == (other, "loan", "relief", True)
    assert (shown.region, shown.resolved) == (Code(scheme="us-state", value="NY"), True)
    assert seen(*imported, public, routed, corrected, routed).merchant_id == MERCHANT_ID


def test_a_stream_that_does_not_begin_with_its_filing_is_refused() -> None:
    with pytest.raises(ValueError, match=r"complaint.routed before complaint.filed"):
        rows(ROUTED[1:])


def test_b1_behind_an_event_that_cannot_be_read_a_complaint_is_hidden_and_stays_so() -> None:
    public = rows(PUBLIC)[-1]
    hidden = hide(public, 90)
    assert hidden is not None
    assert (public_view(hidden), hidden.position) == (None, 90)
    assert fold(hidden, Fact(100, STREAM, 9, Published(occurred_at=day(9), actor=SERVICE, basis="x"))) == hidden
    private = hide(rows(PROMISED)[-1], 90)
    assert private is not None
    assert private.position == 0
    assert hide(None, 90) is None


def test_the_message_of_a_change_is_keyed_by_the_complaint_and_a_tombstone_is_empty() -> None:
    shown, taken_back = (message_of(change, "public.complaints", 8) for change in changes(WITHHELD))
    assert shown.key == taken_back.key == STREAM.encode()
    assert shown.partition == taken_back.partition
    assert dict(shown.headers) == {"position": b"%d" % (10 * len(PUBLIC)), "content-type": b"application/json"}
    assert (taken_back.value, taken_back.headers) == (None, [("position", b"%d" % (10 * len(WITHHELD)))])
    assert PublicComplaint.model_validate_json(shown.value or b"") == view(*PUBLIC)


@for_all(histories())
def test_b1_the_last_message_says_what_is_public_after_any_life_and_no_message_is_idle(
    history: Sequence[Event],
) -> None:
    told = changes(history)
    for version, row in enumerate(rows(history), 1):
        state = COMPLAINT.fold(history[:version])
        public = state.published or state.settlement.decision_published
        hidden = state.withheld or state.status is Status.MERGED or state.kind is not RequestKind.COMPLAINT
        shown = public_view(row)
        assert (shown is not None) == (public and not hidden)
        last = next((one for one in reversed(told) if one.position <= 10 * version), None)
        said = None if last is None or last.value is None else PublicComplaint.model_validate_json(last.value)
        assert said == shown
        # What was folded in one go and what was folded before a crash and after it is the same.
        assert changes(history[:version]) == [one for one in told if one.position <= 10 * version]
    values = [PublicComplaint.model_validate_json(one.value) if one.value else None for one in told]
    assert [value.publication for value in values if value] == list(range(1, 1 + sum(map(bool, values))))
    blank = [value and value.model_copy(update={"publication": 1, "position": 1}) for value in values]
    assert None not in blank[:1]
    assert all(one != other for one, other in pairwise(blank))


SECRET = "SECRET"
#: What people wrote, beside what is marked as personal. The text of an outcome is written to be published.
WRITTEN = {"text", "reason", "reasons", "what", "order", "origin", "forwarded", "attempt", "outcome", "reference"}
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-")


def marked(event: Event) -> Event:
    """The same event with a secret in everything that people wrote."""
    if isinstance(event, OutcomePublished):
        return event
    secrets: dict[str, Any] = {}
    for name, field in type(event).model_fields.items():
        value = getattr(event, name)
        personal = any(isinstance(one, Personal) for one in (*field.metadata, *get_args(field.annotation)))
        if isinstance(value, str) and (personal or name in WRITTEN):
            secrets[name] = SECRET
    if isinstance(event, Filed) and event.order is not None:
        hidden = {"reference": SECRET, "source": SECRET, "platform": SECRET, "payment_provider": SECRET}
        secrets["order"] = event.order.model_copy(update=hidden)
    if isinstance(event, Filed):
        secrets |= {"narrative": SECRET, "postal_code": SECRET}
    return event.model_copy(update=secrets)


def test_no_message_of_any_life_holds_who_acted_or_what_was_written() -> None:
    chance = Random(20260302)
    told: Counter[str] = Counter()
    for _ in range(250):
        history = a_life(chance, 25)
        # Lives by chance are seldom published: the same, made public as soon as it was filed, and its outcome.
        public = Published(occurred_at=START, actor=CONSUMER, basis="consumer_wish")
        for version in (history, [history[0], public, *history[1:]]):
            for change in changes(map(marked, version)):
                text = (change.value or b"").decode()
                told["tombstone" if change.value is None else "value"] += 1
                told["outcome"] += '"outcome":' in text
                assert SECRET not in text
                open_ids = re.sub(rf"{STREAM}|merchant-[0-9a-f-]{{36}}", "", text)
                assert not UUID.search(open_ids), text
    assert told["value"] > 1_000
    assert told["tombstone"] > 20
    assert told["outcome"] > 5


def test_what_is_public_is_a_list_of_its_own() -> None:
    """A field that is new in the world is not public by itself: this fails until somebody has thought of it."""
    assert set(PublicComplaint.model_fields) == {
        "complaint_id", "publication", "position", "status", "filed_on", "channel", "merchant_id", "region", "scenario",
        "scheme", "product", "sub_product", "issue", "sub_issue", "answer", "answered_in_time", "resolved", "reopened",
        "outcome",
    }  # fmt: skip
    assert set(PublicOutcome.model_fields) == {"way", "ended_on", "kinds", "recovered", "text"}
