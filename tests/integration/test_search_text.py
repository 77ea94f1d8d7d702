"""Search of what was written against plain Python, over texts by chance in a real PostgreSQL; and who may."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from random import Random
from typing import Any
from unicodedata import normalize

import pytest

from adapters import search as search_module
from adapters.database import Pool, connect
from adapters.read_tables import write
from adapters.search import SORTS, Search, facets, search
from adapters.search_text import MAX_CHARACTERS, query
from domain.complaint.ending import Disputed
from domain.complaint.filing import Filed
from domain.errors import InvalidInput
from domain.event import Event
from domain.values import Actor, Role
from projections.complaint_texts import COMPLAINT_TEXTS
from projections.projection import Fact
from tests.conftest import create_database
from tests.domain.scenario import CONSUMER, MERCHANT, MERCHANT_ID
from tests.filled import fill
from tests.integration.test_http import Server, ok, refused
from tests.integration.test_search import NOW
from tests.projections.test_complaint_texts import ABOUT, filed

#: Complaints that are looked up one by one: all of these, and none, as where there are many.
FEW = (search_module.FEW, 0)
ATOMS = ("退", "款", "难", "不", "late", "fee", "iphone15", "Fee", "３")
SIGNS = ("", "", "", " ", "，", ". ", "-", "\n", "　", "'", "\\", " & ", "!")
#: A character of Chinese or a word, and whether it stands right behind one of its kind.
Atoms = list[tuple[str, bool]]


def a_text(chance: Random, most: int = 8) -> str:
    return "".join(chance.choice(ATOMS) + chance.choice(SIGNS) for _ in range(chance.randint(1, most)))


def histories(chance: Random) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = {}
    for n in range(400):
        filing = filed(narrative=a_text(chance), product=chance.choice(("退货", "phone")), scheme="own-list")
        about = ABOUT | {"occurred_at": filing.occurred_at + timedelta(hours=chance.randint(0, 50))}
        moved = filing.model_copy(update={"occurred_at": about["occurred_at"]})
        said = [Disputed(**about, text=a_text(chance)) for _ in range(chance.randint(0, 2))]
        found[f"complaint-00000000-0000-4000-8000-{n:012x}"] = [moved, *said]
    return found


HISTORIES = histories(Random(20261122))


@pytest.fixture(scope="module")
def url(postgres_url: str) -> str:
    """A database with complaints of which texts by chance were written."""
    url = create_database(postgres_url, "searched_texts")
    fill(url, HISTORIES)
    return url


@pytest.fixture(scope="module")
def pool(url: str) -> Iterator[Pool]:
    """Connections of the API."""
    pool = Pool(url, "ledger_api")
    yield pool
    pool.close()


@pytest.fixture(params=FEW)
def few(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many complaints are few."""
    monkeypatch.setattr(search_module, "FEW", request.param)
    return int(request.param)


def atoms(text: str) -> Atoms:
    found: Atoms = []
    end = -1
    for match in re.finditer("[\u4e00-\u9fff]|[^\\W_\u4e00-\u9fff]+", normalize("NFKC", text).casefold()):
        chinese = "\u4e00" <= match[0] <= "\u9fff"
        found.append((match[0], chinese and match.start() == end))
        end = match.end() if chinese else -1
    return found


def texts_of(events: Sequence[Event]) -> list[Atoms]:
    filing = events[0]
    assert isinstance(filing, Filed)
    texts = [filing.product, filing.narrative or ""]
    return [atoms(text) for text in (*texts, *(one.text or "" for one in events if isinstance(one, Disputed)))]


def holds(text: Atoms, phrase: Atoms) -> bool:
    """Whether the atoms stand in a text one behind the other, those right behind each other there too."""
    return any(
        all(
            (want, True) == have or (not behind and want == have[0]) or (n == 0 and want == have[0])
            for n, ((want, behind), have) in enumerate(zip(phrase, text[at:], strict=False))
        )
        for at in range(len(text) - len(phrase) + 1)
    )


def fits(events: Sequence[Event], free: str, phrases: Sequence[str]) -> bool:
    texts = texts_of(events)
    wanted = []
    asked = atoms(free)
    for n, (atom, behind) in enumerate(asked):
        if behind:
            wanted.append([asked[n - 1], (atom, True)])
        else:
            wanted.append([(atom, False)])
    wanted += [atoms(phrase) for phrase in phrases]
    return all(any(holds(text, phrase) for text in texts) for phrase in wanted if phrase)


def found_by(pool: Pool, text: str, **more: Any) -> set[str]:
    items, _, _ = search(pool, Search(text=text, **more), now=NOW, limit=10_000)
    return {item["complaint_id"] for item in items}


@pytest.mark.usefixtures("few")
def test_a_search_finds_the_words_and_phrases_that_plain_python_finds(pool: Pool) -> None:
    chance = Random(7)
    sizes = []
    for _ in range(150):
        free = a_text(chance, 2) if chance.random() < 0.7 else ""
        phrases = [a_text(chance, 3) for _ in range(chance.randint(0 if free else 1, 2))]
        quotes = chance.choice(('""', "“”", "「」"))
        asked = " ".join([free, *(f"{quotes[0]}{phrase}{quotes[1]}" for phrase in phrases)])
        expected = {stream for stream, events in HISTORIES.items() if fits(events, free, phrases)}
        assert found_by(pool, asked) == expected, (asked, query(asked))
        sizes.append(len(expected))
    assert sum(size > 0 for size in sizes) > 50
    assert sum(size == 0 for size in sizes) > 10


@pytest.mark.usefixtures("few")
def test_words_of_different_texts_are_found_together_and_phrases_within_one_only(pool: Pool) -> None:
    assert found_by(pool, "phone fee") >= found_by(pool, '"phone fee"')
    assert found_by(pool, '"phone late"') == set()
    assert found_by(pool, '"退货 退"') == set()


def test_a_word_with_an_asterisk_stands_for_all_that_begin_so(pool: Pool) -> None:
    begin_so = {
        stream
        for stream, events in HISTORIES.items()
        if any(atom.startswith("ipho") for text in texts_of(events) for atom, _ in text)
    }
    assert found_by(pool, "ipho*") == found_by(pool, "IPHO＊") == begin_so
    assert begin_so > found_by(pool, "iPhone15")
    assert found_by(pool, "ip*") == set()
    assert found_by(pool, "ipho") == set()


@pytest.mark.usefixtures("few")
def test_text_goes_with_fields_exclusions_facets_and_every_order(pool: Pool) -> None:
    both = found_by(pool, "fee", filters={"product": ["phone"]})
    others = found_by(pool, "fee", exclude={"product": ["phone"]})
    assert both | others == found_by(pool, "fee")
    assert both
    assert others
    assert not both & others
    counted = facets(pool, Search({"product": ["phone"]}, text="fee"), now=NOW)
    assert (counted["count"], counted["exact"]) == (len(both), True)
    assert {one["value"]: one["count"] for one in counted["facets"]["product"]["values"]} == {
        "phone": len(both),
        "退货": len(others),
    }
    whole = None
    for sort in SORTS:
        items, _, _ = search(pool, Search(text="fee", sort=sort), now=NOW, limit=10_000)
        assert whole is None or Counter(item["complaint_id"] for item in items) == whole
        whole = Counter(item["complaint_id"] for item in items)
    assert facets(pool, Search(text="fee", whose=("consumer", CONSUMER.id)), now=NOW)["count"] == len(both | others)
    assert facets(pool, Search(text="fee", whose=("consumer", "x")), now=NOW)["count"] == 0


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("sort", ["newest", "oldest", "amount"])
def test_pages_of_a_text_hold_everything_once_though_texts_are_written_in_between(
    url: str, pool: Pool, sort: str
) -> None:
    asked = Search(text="退款", sort=sort)
    items, _, _ = search(pool, asked, now=NOW, limit=10_000)
    expected = [item["complaint_id"] for item in items]
    seen: list[str] = []
    after = None
    with closing(connect(url, "ledger_projector", autocommit=False)) as conn, closing(conn.cursor()) as cursor:
        while True:
            page, places, _ = search(pool, asked, now=NOW, after=after, limit=7)
            if not page:
                break
            seen += [item["complaint_id"] for item in page]
            after = places[-1]
            # Something is written of one that has the word and of one that has not had it.
            rest = sorted(HISTORIES.keys() - {*expected, *seen})
            for stream in (expected[0], rest[len(seen) % len(rest)]):
                said = Fact(0, stream, 100 + len(seen), Disputed(**ABOUT, text="退款 again"))
                assert write(cursor, COMPLAINT_TEXTS, [said], False, None) == {}
            conn.commit()
        for stream, events in HISTORIES.items():
            facts = [Fact(1, stream, version, event) for version, event in enumerate(events, 1)]
            cursor.execute("delete from private.complaint_texts where complaint_id = %s", (stream,))
            assert write(cursor, COMPLAINT_TEXTS, facts, False, None) == {}
        conn.commit()
    assert len(seen) == len(set(seen))
    assert [one for one in seen if one in set(expected)] == expected


@pytest.mark.parametrize(
    "text",
    [
        "fee & late | !x",
        "fee:*ABCD <-> <99999> late",
        "'fee'' \\",
        "((fee",
        "fee\x00",
        '"fee',
        '"""""fee',
        "fee " * 100,
        "fee %s %(words)s",
        "'; drop table private.complaint_texts; --fee",
        "fee\ud800",
    ],
)
def test_signs_of_a_query_language_are_signs(pool: Pool, text: str) -> None:
    items, _, _ = search(pool, Search(text=text), now=NOW, limit=10)
    assert all("fee" in str(HISTORIES[item["complaint_id"]]).casefold() for item in items)


@pytest.mark.parametrize("text", ["", " ", '""', "…，。", "\0", "&|!", "x" * (MAX_CHARACTERS + 1)])
def test_a_text_without_words_or_too_long_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        Search(text=text)


@pytest.fixture(scope="module")
def server(url: str) -> Iterator[Server]:
    """The API on these complaints."""
    server = Server(url)
    yield server
    server.stop()


@pytest.mark.parametrize("path", ["/complaints", "/complaints/facets"])
def test_who_may_read_all_texts_searches_all_parties_their_own_and_others_none(server: Server, path: str) -> None:
    def count(by: Actor, **more: Any) -> int:
        with server.client(by) as client:
            told = ok(client.get(path, params={"q": "fee", **({} if "facets" in path else {"limit": 500}), **more}))
        return int(told["count"]) if "facets" in path else len(told["items"])

    everything = count(Actor(CONSUMER.id, Role.REGULATOR))
    assert everything > 100
    assert count(CONSUMER) == everything
    assert count(Actor(MERCHANT.id, Role.CONSUMER)) == 0
    assert count(MERCHANT) == count(Actor(MERCHANT.id, Role.AUDITOR), merchant_id=MERCHANT_ID) == 0
    for role in (Role.ANALYST, Role.PLATFORM, Role.RULEBOOK_EDITOR):
        with server.client(Actor(CONSUMER.id, role)) as client:
            assert refused(client.get(path, params={"q": "fee"}), 403, "forbidden")
            ok(client.get(path))
    with server.client(CONSUMER) as client:
        assert refused(client.get(path, params={"q": "!"}), 422, "invalid")
        assert refused(client.get(path, params={"q": "a\0"}), 422, "invalid")
        assert refused(client.get(path, params={"q": "x" * 501}), 422, "invalid")


def test_words_are_not_for_analysts(url: str) -> None:
    with closing(connect(url, None)) as conn, conn.cursor() as cursor:
        cursor.execute("select has_table_privilege('ledger_analyst', 'private.complaint_texts', 'select')")
        assert cursor.fetchall() == [(False,)]


def test_a_new_generation_of_a_private_table_has_its_grants_indexes_and_comments(url: str) -> None:
    about = (
        "select c.relacl::text, obj_description(c.oid), pg_get_indexdef(i.indexrelid) from pg_class c "
        "join pg_index i on i.indrelid = c.oid where c.oid = 'private.complaint_texts'::regclass order by 3"
    )
    with closing(connect(url, None)) as conn, conn.cursor() as cursor:
        cursor.execute(about)
        before = cursor.fetchall()
        cursor.execute("select read.create_next('{private.complaint_texts}')")
        cursor.execute("insert into private.complaint_texts_next select * from private.complaint_texts")
        cursor.execute("select read.index_next('private.complaint_texts')")
        cursor.execute("select read.swap_next('{private.complaint_texts}')")
        cursor.execute(about)
        assert cursor.fetchall() == before
        cursor.execute(
            "select to_regclass('private.complaint_texts_next'), to_regclass('private.complaint_texts_parts')"
        )
        assert cursor.fetchall() == [(None, None)]
        for elsewhere in ("ledger.events", "private.x.y", "public.ledger_migrations"):
            with pytest.raises(Exception, match="does not exist"):
                cursor.execute("select read.create_next(array[%s])", (elsewhere,))


@pytest.mark.usefixtures("few")
def test_texts_that_are_ahead_of_the_complaints_leave_no_hole_in_a_page(url: str, pool: Pool) -> None:
    before, _, _ = search(pool, Search(text="phone"), now=NOW, limit=10_000)
    ahead = filed().model_copy(update={"occurred_at": NOW, "product": "phone"})
    stream = "complaint-00000000-0000-4000-8000-00000000ffff"
    with closing(connect(url, "ledger_projector", autocommit=False)) as conn, conn.cursor() as cursor:
        assert write(cursor, COMPLAINT_TEXTS, [Fact(1, stream, 1, ahead)], False, None) == {}
        conn.commit()
        found, places, _ = search(pool, Search(text="phone"), now=NOW, limit=10)
        cursor.execute("delete from private.complaint_texts where complaint_id = %s", (stream,))
        conn.commit()
    assert found == before[:10]
    assert [place[1] for place in places] == [item["complaint_id"] for item in found]
