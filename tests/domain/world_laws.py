"""What holds in every world, after every kill, and what holds once process managers have caught up."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from domain.calendar import day_of
from domain.complaint.advances import AdvancePaid, AdvanceRefused, AdvanceRequested
from domain.complaint.clocks import DeadlineMissed
from domain.complaint.fraud import FraudVerified
from domain.complaint.links import Consequence, ConsequenceLinked
from domain.complaint.reports import PenaltyImposed, PenaltyRevised
from domain.complaint.settlement import Performed, Resolved
from domain.complaint.state import Deadline, Status
from domain.credit.silence import CreditEventRecorded
from domain.credit.state import credit_of
from domain.event import Event
from domain.fund.advances import Advanced, Recovered
from domain.fund.advances import AdvanceRefused as FundRefused
from domain.fund.keeping import PaidIn
from domain.grievance.links import ConsequenceLinked as GrievanceLinked
from domain.measure.imposing import Imposed
from domain.measure.remedies import Decided, DecisionOutcome
from domain.measure.state import AUTHORITY_LADDER, PLATFORM_LADDER
from domain.merchant.corrections import CorrectiveActionTaken
from domain.merchant.registration import MergedInto, MergerUndone
from domain.merchant.standing import Listed, ListingExtended
from domain.merchant.state import ListName
from domain.office.warnings import WarningIssued
from domain.platform.notices import NoticeAnswered, NoticeGiven
from domain.platform.rules import RuleAnnounced, RuleWithdrawn
from domain.platform.supervision import SupervisionReported
from domain.streams import kind_of
from domain.values import CLOCK, Money
from tests.domain.world import World

Histories = dict[str, list[Event]]
#: A complaint, what followed from it, in which stream, and its number there.
Link = tuple[str, Consequence, str, int | None]


def check(world: World) -> None:
    """What holds at any moment."""
    histories = world.histories()
    for stream, history in histories.items():
        if stream.startswith("fund-"):
            the_balance_adds_up(world.state(stream), history)
    for found in (every_measure_is_lawful, no_command_is_there_twice, nothing_is_linked_that_is_not_there):
        found(world, histories)
    no_advance_is_answered_or_paid_twice(histories)
    no_notice_is_answered_twice(histories)
    no_silence_counts_twice(histories)


def check_caught_up(world: World) -> None:
    """What holds when all that follows has been recorded."""
    histories = world.histories()
    check(world)
    assert Counter(links(histories)) == Counter(consequences(histories))
    every_advance_was_paid_where_the_fund_says_so(histories)
    every_notice_that_was_answered_says_so(histories)
    what_follows_has_followed(world, histories)


def check_replays(world: World) -> None:
    """Each history, read again from its text, leads to the same state."""
    for stream, history in world.histories().items():
        again = [type(event).model_validate_json(event.model_dump_json()) for event in history]
        assert again == history
        assert kind_of(stream).fold(again) == world.state(stream)


def _all(histories: Histories, *prefixes: str) -> Iterable[tuple[str, Any]]:
    return ((stream, event) for stream, history in histories.items() for event in history
            if not prefixes or stream.partition("-")[0] in prefixes)  # fmt: skip


def the_balance_adds_up(state: Any, history: list[Event]) -> None:
    balance = 0
    for event in history:
        if isinstance(event, PaidIn | Recovered):
            balance += event.amount.fen
        elif isinstance(event, Advanced):
            balance -= event.amount.fen
        else:
            continue
        assert balance >= 0
        assert event.balance.fen == balance
        assert event.balance.currency == event.amount.currency == state.currency
    assert state.balance == balance


def every_measure_is_lawful(world: World, histories: Histories) -> None:
    for _, event in _all(histories, "measure"):
        if not isinstance(event, Imposed):
            continue
        assert event.reason.strip()
        assert event.basis.strip()
        assert event.remedies
        assert event.complaints or event.grievances
        if event.imposed_by.startswith("platform-"):
            assert event.kind in PLATFORM_LADDER
            assert event.rule is not None
            in_force = version_in_force(histories[event.imposed_by], event.rule.rule_id, event)
            assert event.rule.version == in_force, "it cites a rule that is not in force"
        else:
            assert event.kind in AUTHORITY_LADDER
            assert event.case_number


def version_in_force(history: list[Event], rule_id: str, measure: Imposed) -> int | None:
    """The version of a rule in force when a measure was imposed, by what the platform has announced."""
    found = None
    at = measure.occurred_at
    for event in history:
        if isinstance(event, RuleAnnounced) and event.rule_id == rule_id and event.effective_from <= at:
            assert event.occurred_at < event.effective_from
            found = event.rule_version
        elif isinstance(event, RuleWithdrawn) and event.rule_id == rule_id and event.effective_at <= at:
            found = None
    return found


def no_command_is_there_twice(world: World, histories: Histories) -> None:
    assert set(world.commands.values()) <= {1}
    for one in world.log:
        if one.cause is None:
            continue
        stream, version, _, target = one.command
        assert (stream, version, target) == (*one.cause, one.stream)
        # What a term brought about before it has its own time.
        if one.event.actor != CLOCK:
            assert one.event.occurred_at == histories[stream][version - 1].occurred_at


def consequences(histories: Histories) -> Iterable[Link]:
    """All that complaints have led to, with each that is named."""
    for stream, event in _all(histories):
        match event:
            case CreditEventRecorded():
                yield event.complaint_id, Consequence.CREDIT_EVENT, stream, event.number
            case Listed() | ListingExtended():
                yield from ((one, Consequence.LISTING, stream, event.number) for one in set(event.complaints))
            case CorrectiveActionTaken():
                yield from ((one, Consequence.CORRECTIVE_ACTION, stream, event.number) for one in set(event.complaints))
            case WarningIssued():
                yield from ((one, Consequence.WARNING_CASE, stream, event.number) for one in set(event.complaints))
            case NoticeGiven():
                yield from ((one, Consequence.NOTICE, stream, event.number) for one in set(event.complaints))
            case Imposed():
                what = Consequence.PENALTY if event.case_number else Consequence.MEASURE
                yield from ((one, what, stream, None) for one in set(event.complaints))
            case SupervisionReported():
                yield from (
                    (one, Consequence.SUPERVISION_REPORT, stream, event.edition) for one in event.new_complaints
                )


def links(histories: Histories) -> Iterable[Link]:
    """What complaints say of their consequences."""
    for stream, event in _all(histories, "complaint"):
        if isinstance(event, ConsequenceLinked):
            yield stream, event.consequence, event.stream, event.number


def nothing_is_linked_that_is_not_there(world: World, histories: Histories) -> None:
    found = list(consequences(histories))
    assert {complaint for complaint, *_ in found} <= histories.keys(), "a consequence of no complaint"
    assert Counter(links(histories)) <= Counter(found), "a link to nothing, or one twice"


def no_advance_is_answered_or_paid_twice(histories: Histories) -> None:
    for stream, history in histories.items():
        if stream.startswith("fund-"):
            answered = Counter(
                (one.complaint_id, one.request) for one in history if isinstance(one, Advanced | FundRefused)
            )
            assert set(answered.values()) <= {1}
        if stream.startswith("complaint-"):
            told = Counter(one.request for one in history if isinstance(one, AdvancePaid | AdvanceRefused))
            assert set(told.values()) <= {1}
            no_item_is_paid_twice(history)


def no_item_is_paid_twice(history: list[Event]) -> None:
    terms: tuple[Any, ...] = ()
    paid: Counter[int] = Counter()
    for event in history:
        if isinstance(event, Resolved):
            terms, paid = event.terms or (), Counter()
        if isinstance(event, Performed) and event.amount is not None:
            paid[event.item] += event.amount.fen
            assert paid[event.item] <= terms[event.item].amount.fen, "an item is paid twice"
    for event, after in zip(history, [*history[1:], None], strict=True):
        if isinstance(event, AdvancePaid) and event.performs:
            assert isinstance(after, Performed)
            assert (after.item, after.amount) == (event.item, event.amount)


def no_notice_is_answered_twice(histories: Histories) -> None:
    for stream, history in histories.items():
        answers = [one for one in history if isinstance(one, NoticeAnswered)]
        assert len({one.number for one in answers}) == len(answers)
        for one in answers:
            (imposed, *_) = histories[one.measure]
            assert isinstance(imposed, Imposed)
            assert (imposed.imposed_by, imposed.notice) == (stream, one.number)


def no_silence_counts_twice(histories: Histories) -> None:
    recorded: Counter[tuple[Any, ...]] = Counter()
    numbers: set[tuple[str, int]] = set()
    withdrawn: Counter[tuple[str, int]] = Counter()
    for stream, event in _all(histories, "credit"):
        if isinstance(event, CreditEventRecorded):
            recorded[event.complaint_id, event.deadline, event.occurred_at] += 1
            numbers.add((stream, event.number))
        else:
            withdrawn[stream, event.number] += 1
    missed = Counter(
        (stream, event.deadline, event.occurred_at)
        for stream, event in _all(histories, "complaint")
        if isinstance(event, DeadlineMissed)
    )
    assert recorded <= missed
    assert set(recorded.values()) | set(withdrawn.values()) <= {1}
    assert withdrawn.keys() <= numbers


def every_advance_was_paid_where_the_fund_says_so(histories: Histories) -> None:
    asked: dict[Any, Money] = {}
    funds: set[tuple[Any, ...]] = set()
    told: set[tuple[Any, ...]] = set()
    for stream, event in _all(histories, "complaint", "fund"):
        match event:
            case AdvanceRequested():
                asked[stream, event.request, event.fund_id] = event.amount
            case Advanced():
                funds.add((event.complaint_id, event.request, stream, event.number, event.amount))
            case FundRefused():
                funds.add((event.complaint_id, event.request, stream, None, None))
            case AdvancePaid():
                told.add((stream, event.request, event.fund_id, event.number, event.amount))
            case AdvanceRefused():
                told.add((stream, event.request, event.fund_id, None, None))
    assert funds == told, "the fund and the complaint differ"
    assert asked.keys() == {one[:3] for one in funds}, "what was asked for is not answered"
    for complaint, request, fund, _, amount in funds:
        assert amount in (None, asked[complaint, request, fund]), "another amount was paid than was asked for"


def every_notice_that_was_answered_says_so(histories: Histories) -> None:
    cited = {(event.imposed_by, event.notice) for _, event in _all(histories, "measure")
             if isinstance(event, Imposed) and event.notice is not None}  # fmt: skip
    answered = {(stream, event.number) for stream, event in _all(histories, "platform")
                if isinstance(event, NoticeAnswered)}  # fmt: skip
    assert cited == answered


def what_follows_has_followed(world: World, histories: Histories) -> None:
    by_case, rests_on = defaultdict(list), set()
    for stream, event in _all(histories):
        match event:
            case FraudVerified():
                listings = _listings(histories[event.merchant_id])
                assert (stream, ListName.BLACKLIST, event.platform_id) in listings
            case Imposed():
                by_case[event.complaints, event.case_number].append(stream)
                rests_on |= {(one, stream) for one in event.grievances}
            case Decided() if (report := world.state(stream).report) and event.outcome is not DecisionOutcome.UPHELD:
                told = [one for one in histories[report] if isinstance(one, PenaltyRevised) and one.measure == stream]
                assert (event.amount, event.counts) in [(one.fine, one.counts) for one in told]
    for stream, event in _all(histories, "complaint"):
        if isinstance(event, PenaltyImposed) and event.merchant_id and event.violation:
            assert len(by_case[(stream,), event.case_number]) == 1
    told_of = [(stream, event.stream) for stream, event in _all(histories, "grievance")
               if isinstance(event, GrievanceLinked)]  # fmt: skip
    assert Counter(told_of) == Counter(rests_on)
    for complaint in world.of("complaint"):
        every_silence_counts_unless_it_does_not(world, complaint, histories[complaint])
    merchants_know_of_each_other(world, histories)


def _listings(history: list[Event]) -> set[tuple[Any, ...]]:
    """The frauds that led to listings: on which list, and of whom."""
    lists = {one.number: (one.list, one.authority) for one in history if isinstance(one, Listed)}
    return {(one.fraud, *lists[one.number]) for one in history if isinstance(one, Listed | ListingExtended)}


def every_silence_counts_unless_it_does_not(world: World, complaint: str, history: list[Event]) -> None:
    state = world.state(complaint)
    void = state.status in (Status.MERGED, Status.REFERRED)
    for deadline, due in state.silences:
        credit = world.state(credit_of(state.merchant_id, day_of(due)))
        number = credit.causes[complaint, deadline, due]
        assert not void or number in credit.withdrawn
    missed = {one.occurred_at for one in history if isinstance(one, DeadlineMissed) and one.deadline is Deadline.ANSWER}
    assert missed <= {due for _, due in state.silences}


def merchants_know_of_each_other(world: World, histories: Histories) -> None:
    merchants = world.of("merchant")
    for stream in merchants:
        for other in merchants:
            assert (other in world.state(stream).linked) == (stream in world.state(other).linked_back)
    undone = {stream for stream in merchants if any(isinstance(one, MergerUndone) for one in histories[stream])}
    for stream in merchants:
        into, through = world.state(stream).merged_into, {stream}
        while into and not {*through, into} & undone:
            assert stream in world.state(into).absorbed, "who goes on does not know in whose place"
            through.add(into)
            into = world.state(into).merged_into
    for stream in undone:
        mergers = [one for one in histories[stream] if isinstance(one, MergedInto | MergerUndone)]
        if len(mergers) == 2:
            (merged, _) = mergers
            assert isinstance(merged, MergedInto)
            assert stream not in world.state(merged.into).absorbed, "who goes on by itself is still absorbed"
