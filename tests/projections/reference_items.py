"""What the tables of items have to hold, straight from the events: slow, and without rows or contributions.

``expected(histories)`` gives per table what each key counts for. A key has the columns of its table in their order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from domain.calendar import day_of
from domain.fund.advances import Advanced, AdvanceRefused, Recovered, WrittenOff
from domain.fund.keeping import PaidIn
from domain.office.evaluation import ActionTaken, EvaluationRecorded, FindingRecorded, MeasuredAgain
from domain.office.mediators import ConflictDeclared, MediatorEnrolled, MediatorReleased
from domain.office.warnings import WarningIssued, YearlyListPublished
from domain.rulebook import events as published
from domain.subject.consents import ConsentGiven, ConsentWithdrawn
from domain.subject.leaks import LeakRecorded
from tests.projections.reference_found import OPEN_DAY, Found, History, Tables, behind, first_at, of, said
from tests.projections.reference_trade import credit, grievance, measure, merchant, platform, room


def office(found: Found, own: str, history: History) -> None:
    for n, one in enumerate(of(history, MediatorEnrolled), 1):
        released = [left for left in behind(history, one, MediatorReleased) if left.mediator_id == one.mediator_id]
        times = (one.occurred_at, first_at(released))
        found.add("office_mediators", own, n, one.mediator_id, str(one.kind), one.capacity, *times)
        for each in set(one.classes):
            found.add("office_mediator_classes", own, n, each)
        found.texts("office_texts", own, "mediator", n, reason=released[0].reason if released else None)
    for n, conflict in enumerate(of(history, ConflictDeclared), 1):
        found.add("office_conflicts", own, n, conflict.mediator_id, conflict.party_id, conflict.occurred_at)
    for warning in of(history, WarningIssued):
        year = (warning.occurred_at + timedelta(hours=8)).year
        found.add("office_warnings", own, warning.number, year, warning.occurred_at, warning.theme)
        found.cite("office_citations", own, "warning", warning.number, warning.complaints)
        found.texts("office_texts", own, "warning", warning.number, text=warning.text)
    figures = 0
    for listed in of(history, YearlyListPublished):
        found.add("office_yearly_lists", own, listed.year, listed.edition, listed.occurred_at)
        for place, number in enumerate(listed.warnings, 1):
            found.add("office_yearly_entries", own, listed.year, listed.edition, place, number)
        for figure in listed.external:
            figures += 1
            found.add("office_external_figures", own, figures, listed.year, listed.edition)
            found.texts("office_texts", own, "external_figure", figures, **figure.model_dump())
    for made in of(history, EvaluationRecorded):
        numbers = made.figures
        unknown: tuple[int | None, ...] = (numbers.resolution_hours_median, numbers.satisfaction_permille)
        unknown += (numbers.success_permille, numbers.resolved, numbers.rated)
        shown = (numbers.cases, *(-1 if one is None else one for one in unknown), made.as_of or 0)
        whose = (made.number, made.edition, made.evaluated, made.first, made.last, made.occurred_at)
        found.add("office_evaluations", own, *whose, *shown)
    for finding in of(history, FindingRecorded):
        again = [one for one in of(history, MeasuredAgain) if one.finding == finding.number]
        measured_by = again[0].evaluation if again else 0
        times = (finding.occurred_at, first_at(again))
        found.add("office_findings", own, finding.number, finding.evaluation, *times, measured_by)
        found.texts("office_texts", own, "finding", finding.number, text=finding.text)
    for n, action in enumerate(of(history, ActionTaken), 1):
        found.add("office_actions", own, n, action.finding, action.occurred_at)
        found.texts("office_texts", own, "action", n, text=action.text)


def fund(found: Found, own: str, history: History) -> None:
    kinds: tuple[Any, ...] = (PaidIn, Advanced, Recovered, WrittenOff)
    for on in {day_of(event.occurred_at) for event in of(history, *kinds)}:
        moved = [
            sum(event.amount.fen for event in of(history, kind) if day_of(event.occurred_at) == on) for kind in kinds
        ]
        found.add("fund_flows", own, on, amounts=moved)
    for one in of(history, Advanced):
        back = sum(event.amount.fen for event in of(history, Recovered) if event.advance == one.number)
        lost = [event for event in of(history, WrittenOff) if event.advance == one.number]
        asked = (one.complaint_id, one.request, one.item, str(one.payer), said(one.debtor))
        amounts = (one.amount.fen, back, sum(event.amount.fen for event in lost))
        found.add("fund_advances", own, one.number, *asked, one.occurred_at, amounts=amounts)
        found.texts("fund_texts", own, "advance", one.number, reason=lost[0].reason if lost else None)
    for n, no in enumerate(of(history, AdvanceRefused), 1):
        wanted = (no.complaint_id, no.request, no.item, str(no.reason), no.occurred_at, no.amount.currency)
        found.add("fund_refusals", own, n, *wanted, amounts=(no.amount.fen,))


def subject(found: Found, own: str, history: History) -> None:
    for n, leak in enumerate(of(history, LeakRecorded), 1):
        found.add("leaks", own, n, leak.occurred_at, leak.source)
        found.cite("leak_citations", own, "leak", n, leak.complaints)
        found.texts("leak_texts", own, "leak", n, what=leak.what)
    for one in of(history, ConsentGiven, ConsentWithdrawn):
        use = found.tables["read.consents"].setdefault((str(one.purpose), one.recipient), [0, 0])
        use[isinstance(one, ConsentWithdrawn)] += 1


def rulebook(found: Found, own: str, history: History) -> None:
    _code_lists(found, own, of(history, published.CodeListPublished))
    scenarios = {one.scenario.id: one for one in of(history, published.ScenarioPublished)}
    for n, (id_, event) in enumerate(scenarios.items(), 1):
        scenario = event.scenario
        found.add("scenarios", own, n, id_, event.edition, scenario.problem_class, event.occurred_at)
        texts = {"title_zh": scenario.title_zh, "title_en": scenario.title_en, "tactic": scenario.tactic}
        for place, law in enumerate(scenario.laws, 1):
            found.add("scenario_laws", id_, place, law.in_force_from, law.in_force_to or OPEN_DAY)
            texts |= {f"law_{place}": law.law, f"law_en_{place}": law.law_en, f"article_{place}": law.article}
        found.texts("rulebook_texts", own, "scenario", n, **texts)
    for numbers in of(history, published.ParametersPublished):
        name = numbers.parameters.name
        later = behind(history, numbers, published.ParametersPublished)
        times = (numbers.occurred_at, first_at([one for one in later if one.parameters.name == name]))
        for parameter, value in numbers.parameters.values.items():
            key = (name, numbers.edition, parameter, value.value, str(value.scale))
            found.add("parameters", *key, *times)
    for n, (id_, adopted) in enumerate(
        {one.policy.id: one for one in of(history, published.PolicyPublished)}.items(), 1
    ):
        policy = adopted.policy
        days = (policy.in_force_from, policy.in_force_to or OPEN_DAY, policy.region, adopted.occurred_at)
        limits = (str(policy.kind), policy.within_days, policy.most_fen or 0)
        found.add("policies", own, n, id_, adopted.edition, *limits, *days)
        for place, term in enumerate(policy.terms, 1):
            found.add("policy_terms", id_, place, str(term.kind), term.permille or 0)
        for each in set(policy.scenarios):
            found.add("policy_scenarios", id_, each)
        titles = {"title_zh": policy.title_zh, "title_en": policy.title_en, "source": policy.source}
        found.texts("rulebook_texts", own, "policy", n, **titles)
    for n, (id_, made) in enumerate(
        {one.rule_set.id: one for one in of(history, published.RuleSetPublished)}.items(), 1
    ):
        rules = made.rule_set
        held = (rules.in_force_from, rules.in_force_to or OPEN_DAY, made.occurred_at)
        found.add("rule_sets", own, n, id_, made.edition, str(rules.authority), rules.region, *held)
        texts = {"title": rules.title, "source": rules.source}
        for kind, grounds in (("refusal", rules.refusal_grounds), ("ending", rules.ending_grounds)):
            for ground in grounds:
                found.add("rule_set_grounds", id_, kind, ground.code, ground.counts)
                texts[f"{kind}_{ground.code}"] = ground.text
        found.texts("rulebook_texts", own, "rule_set", n, **texts)


def _code_lists(found: Found, own: str, events: Sequence[published.CodeListPublished]) -> None:
    for n, scheme in enumerate(dict.fromkeys(one.codes.scheme for one in events), 1):
        parts = [one for one in events if one.codes.scheme == scheme]
        begins = max(place for place, one in enumerate(parts) if one.part == 1)
        newest = parts[begins:]
        entries = {code: entry for one in newest for code, entry in one.codes.entries.items()}
        found.add("code_lists", own, n, scheme, newest[-1].edition, newest[-1].occurred_at, len(entries))
        texts = {"title": newest[-1].codes.title, "source": newest[-1].codes.source}
        found.texts("rulebook_texts", own, "code_list", n, **texts)
        for code, entry in entries.items():
            found.add("codes", scheme[:100], code, said(entry.parent), entry.name)
            if entry.name_en is not None:
                found.add("codes_in_english", scheme[:100], code, entry.name_en)


KINDS: Mapping[str, Callable[[Found, str, History], None]] = {
    "merchant": merchant,
    "office": office,
    "fund": fund,
    "platform": platform,
    "measure": measure,
    "grievance": grievance,
    "room": room,
    "credit": credit,
    "subject": subject,
    "rulebook": rulebook,
}


def expected(histories: Mapping[str, History]) -> Tables:
    """Return what every table of items holds, for histories of streams of any kinds, by the name of the table."""
    found = Found()
    for stream, history in histories.items():
        tell = KINDS.get(stream.partition("-")[0])
        if tell is not None:
            tell(found, stream, history)
    return {table: keys for table, keys in found.tables.items() if keys}
