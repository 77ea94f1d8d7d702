"""Read model ``rulebook``: what is published, so that codes have names, and numbers their edition."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple, assert_never

from domain.rulebook.events import (
    CalendarPublished,
    CodeListPublished,
    FeeSchedulePublished,
    ParametersPublished,
    PolicyPublished,
    RulebookEvent,
    RuleSetPublished,
    ScenarioPublished,
)
from domain.rulebook.life import RULEBOOK
from projections.items import (
    NO_DAY,
    NONE,
    Items,
    day,
    dump,
    following,
    instant,
    items_of,
    listed,
    load,
    number,
    put,
    table,
    text,
    texts,
)
from projections.projection import Key, Projection

#: So much of the name of a code list is in the key of its codes: beside the name of a code no more fits an index.
SCHEME = 100


class Row(NamedTuple):
    """See the comments on the columns of ``read.rulebook``."""

    publications: int = 0
    items: str = NONE


def fold(row: Row | None, event: RulebookEvent) -> Row:
    """Return the row after ``event``."""
    row = row or Row()
    items = load(row.items)
    match event:
        case CodeListPublished():
            _codes(items, event)
        case ScenarioPublished():
            _scenario(items, event)
        case ParametersPublished():
            _parameters(items, event)
        case PolicyPublished():
            _policy(items, event)
        case RuleSetPublished():
            _rule_set(items, event)
        case CalendarPublished() | FeeSchedulePublished():
            # Days and fees are decided on by the domain; no figure is joined with them.
            pass
        case _:
            assert_never(event)
    return row._replace(publications=row.publications + 1, items=dump(items))


def _numbered(items: Items, name: str, key: str) -> int:
    """The number of something published: a new edition keeps it."""
    known = items.get(name, {}).get(key)
    return known["number"] if known else following(items, name)


def _codes(items: Items, event: CodeListPublished) -> None:
    codes, scheme = event.codes, event.codes.scheme
    entries = {code: entry.model_dump() for code, entry in codes.entries.items()}
    if event.part > 1:
        entries = items["code_list"][scheme]["entries"] | entries
    put(
        items,
        "code_list",
        scheme,
        number=_numbered(items, "code_list", scheme),
        scheme=scheme,
        edition=event.edition,
        published_at=event.occurred_at,
        codes=len(entries),
        entries=entries,
        texts={"title": codes.title, "source": codes.source},
    )


def _scenario(items: Items, event: ScenarioPublished) -> None:
    one = event.scenario
    n = _numbered(items, "scenario", one.id)
    said = {"title_zh": one.title_zh, "title_en": one.title_en, "tactic": one.tactic}
    for place, law in enumerate(one.laws, 1):
        said |= {f"law_{place}": law.law, f"law_en_{place}": law.law_en, f"article_{place}": law.article}
    put(
        items,
        "scenario",
        one.id,
        number=n,
        scenario_id=one.id,
        edition=event.edition,
        problem_class=one.problem_class,
        published_at=event.occurred_at,
        laws=tuple((law.in_force_from, law.in_force_to) for law in one.laws),
        texts=said,
    )


def _parameters(items: Items, event: ParametersPublished) -> None:
    given, at = event.parameters, event.occurred_at
    for item in items.get("parameters", {}).values():
        if item["name"] == given.name and "replaced_at" not in item:
            put(items, "parameters", f"{given.name}/{item['edition']}", **(item | {"replaced_at": at}))
    values = {name: (one.value, one.scale) for name, one in given.values.items()}
    key = f"{given.name}/{event.edition}"
    put(items, "parameters", key, name=given.name, edition=event.edition, published_at=at, values=values)


def _policy(items: Items, event: PolicyPublished) -> None:
    one = event.policy
    put(
        items,
        "policy",
        one.id,
        number=_numbered(items, "policy", one.id),
        policy_id=one.id,
        edition=event.edition,
        kind=one.kind,
        within_days=one.within_days,
        most_fen=one.most_fen,
        in_force_from=one.in_force_from,
        in_force_to=one.in_force_to,
        region=one.region,
        published_at=event.occurred_at,
        terms=tuple((term.kind, term.permille or 0) for term in one.terms),
        scenarios=one.scenarios,
        texts={"title_zh": one.title_zh, "title_en": one.title_en, "source": one.source},
    )


def _rule_set(items: Items, event: RuleSetPublished) -> None:
    one = event.rule_set
    grounds = [("refusal", ground) for ground in one.refusal_grounds]
    grounds += [("ending", ground) for ground in one.ending_grounds]
    said = {"title": one.title, "source": one.source}
    said |= {f"{kind}_{ground.code}": ground.text for kind, ground in grounds}
    put(
        items,
        "rule_set",
        one.id,
        number=_numbered(items, "rule_set", one.id),
        rule_set_id=one.id,
        edition=event.edition,
        authority=one.authority,
        region=one.region,
        in_force_from=one.in_force_from,
        in_force_to=one.in_force_to,
        published_at=event.occurred_at,
        grounds=tuple((kind, ground.code, ground.counts) for kind, ground in grounds),
        texts=said,
    )


def _names(row: Row) -> Iterator[Key]:
    for codes in items_of(row, "code_list"):
        for code, entry in codes["entries"].items():
            yield codes["scheme"][:SCHEME], code, entry.get("parent", ""), entry["name"]


def _english(row: Row) -> Iterator[Key]:
    for codes in items_of(row, "code_list"):
        for code, entry in codes["entries"].items():
            if "name_en" in entry:
                yield codes["scheme"][:SCHEME], code, entry["name_en"]


def _laws(row: Row) -> Iterator[Key]:
    for one in items_of(row, "scenario"):
        for place, (begins, ends) in enumerate(one["laws"], 1):
            yield one["scenario_id"], place, date.fromisoformat(begins), date.fromisoformat(ends) if ends else NO_DAY


def _values(row: Row) -> Iterator[Key]:
    for one in items_of(row, "parameters"):
        published, replaced = instant("published_at").of(one), instant("replaced_at").of(one)
        for parameter, (value, scale) in one["values"].items():
            yield one["name"], one["edition"], parameter, value, scale, published, replaced


def _terms(row: Row) -> Iterator[Key]:
    for one in items_of(row, "policy"):
        for place, (kind, permille) in enumerate(one["terms"], 1):
            yield one["policy_id"], place, kind, permille


def _scenarios(row: Row) -> Iterator[Key]:
    return ((one["policy_id"], scenario) for one in items_of(row, "policy") for scenario in one["scenarios"])


def _grounds(row: Row) -> Iterator[Key]:
    return ((one["rule_set_id"], *ground) for one in items_of(row, "rule_set") for ground in one["grounds"])


ID = "rulebook_id"
RULEBOOKS = Projection(
    name="rulebook",
    kind=RULEBOOK,
    table="read.rulebook",
    key=ID,
    row=Row,
    fold=fold,
    sums=(
        table(
            "code_lists",
            ID,
            "code_list",
            *(number("number"), text("scheme"), number("edition"), instant("published_at"), number("codes")),
        ),
        listed("codes", "", ("scheme", "code", "parent", "name"), _names),
        listed("codes_in_english", "", ("scheme", "code", "name_en"), _english),
        table(
            "scenarios",
            ID,
            "scenario",
            *(number("number"), text("scenario_id"), number("edition"), text("problem_class")),
            instant("published_at"),
        ),
        listed("scenario_laws", "", ("scenario_id", "place", "in_force_from", "in_force_to"), _laws),
        listed(
            "parameters",
            "",
            ("name", "edition", "parameter", "value", "scale", "published_at", "replaced_at"),
            _values,
        ),
        table(
            "policies",
            ID,
            "policy",
            *(number("number"), text("policy_id"), number("edition"), text("kind"), number("within_days")),
            *(number("most_fen"), day("in_force_from"), day("in_force_to"), text("region"), instant("published_at")),
        ),
        listed("policy_terms", "", ("policy_id", "place", "kind", "permille"), _terms),
        listed("policy_scenarios", "", ("policy_id", "scenario_id"), _scenarios),
        table(
            "rule_sets",
            ID,
            "rule_set",
            *(number("number"), text("rule_set_id"), number("edition"), text("authority"), text("region")),
            *(day("in_force_from"), day("in_force_to"), instant("published_at")),
        ),
        listed("rule_set_grounds", "", ("rule_set_id", "kind", "code", "counts"), _grounds),
        texts("rulebook_texts", ID),
    ),
)
