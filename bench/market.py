"""A large market to read from: a simulated one, folded, and copied under other ids, merchants and times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from hashlib import md5
from random import Random
from typing import Any
from uuid import UUID

from adapters.database import connect
from adapters.execute import open_ledger
from adapters.ledger import iterate_events
from adapters.read_store import ensure_progress
from adapters.read_tables import add, copy, gather, write
from adapters.record import read_record
from adapters.rulebook import RulebookReader, publish_first_edition
from adapters.simulation.run import simulate
from bench.corpus import SERVICE_KEY, head
from bench.harness import say
from domain.complaint.state import OPEN
from domain.streams import TOPICS, kind_of
from domain.values import format_instant, parse_instant
from projections.catalogue import PROJECTIONS
from projections.complaint_details import COMPLAINT_DETAILS, Row
from projections.complaint_texts import COMPLAINT_TEXTS, words
from projections.merchants import MERCHANTS
from projections.projection import Fact, Key, Projection, Sums, change
from projections.running_clocks import STOPPED

#: How many complaints are simulated, over how many days, of which so many are still to come: all end in the end.
SIMULATED, DAYS, TO_COME = 4_000, 900, 60
#: How many are made of them at a time.
AT_A_TIME = 50_000
#: Each merchant becomes so many, of which the first have most of the complaints; mediators are as many times more.
TWINS = 50
#: So many texts are written for the copies, each of so many words: a few of them frequent, most of them rare.
TEXTS, WORDS_OF_A_TEXT, VOCABULARY = 5_000, 40, 5_000
CHINESE = (
    *(
        "退款",
        "客服",
        "快递",
        "破损",
        "质量",
        "发票",
        "优惠",
        "扣费",
        "会员",
        "续费",
        "预付",
        "门店",
        "关闭",
        "押金",
        "不退",
    ),
    *(
        "虚假",
        "宣传",
        "价格",
        "欺诈",
        "主播",
        "直播",
        "赠品",
        "维修",
        "拒绝",
        "电饭锅",
        "手机",
        "培训",
        "合同",
        "机票",
        "改签",
    ),
)
#: Copies of what has ended lie so far from it, at most; what is open has to be due about now.
ENDED_APART, OPEN_APART = timedelta(days=40), timedelta(hours=12)


def simulate_market(url: str) -> None:
    """Fill an empty ledger with a simulated market, and its read models with what has happened in it until now."""
    now = datetime.now(UTC)
    with closing(open_ledger(url)) as ledger:
        publish_first_edition(ledger)
        start = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS - TO_COME)
        book = RulebookReader(ledger).current()
        simulate(ledger, SERVICE_KEY, book, complaints=SIMULATED, seed=1, start=start, days=DAYS)
    facts, cut = [], set[str]()
    for position, stream, version, record in iterate_events(
        url, "ledger_api", "select position, stream, version, record from ledger.events order by position"
    ):
        event = read_record(bytes(record)).event
        if event.occurred_at > now:
            cut.add(stream)
        if stream not in cut:
            facts.append(Fact(position, stream, version, event))
    with closing(connect(url, "ledger_projector", autocommit=False)) as conn:
        with conn, conn.cursor() as cursor:
            for projection in PROJECTIONS:
                own = [fact for fact in facts if kind_of(fact.stream) is projection.kind]
                if failed := write(cursor, projection, own, False, None):
                    raise RuntimeError(f"{projection.name} could not be folded: {failed}")
        with conn:
            ensure_progress(conn, PROJECTIONS, [(topic, 0) for topic in TOPICS])
            with conn.cursor() as cursor:
                cursor.execute("update read.progress set watermark = %s", (head(url),))


class Market:
    """Read models that grow by copies of the complaints that they hold at first."""

    def __init__(self, url: str) -> None:
        self.url, self.complaints = url, 0
        self._chance = Random(1)
        with closing(connect(url, "ledger_projector")) as conn, conn.cursor() as cursor:
            self._rows = [(stream, row) for stream, _, _, row in _rows(cursor, COMPLAINT_DETAILS)]
            self.complaints = len(self._rows)
            merchants = list(_rows(cursor, MERCHANTS))
            copy(cursor, MERCHANTS.table, MERCHANTS.columns, _twins(merchants))
        self._texts = [_text(self._chance) for _ in range(TEXTS)]

    def grow_to(self, complaints: int) -> None:
        """Copy until there are so many complaints; sums are added as the projection counts them."""
        with closing(connect(self.url, "ledger_projector", autocommit=False, statement_timeout_s=0)) as conn:
            while self.complaints < complaints:
                count = min(AT_A_TIME, complaints - self.complaints)
                rows = [self._another(self.complaints + n) for n in range(count)]
                with conn, conn.cursor() as cursor:
                    columns = COMPLAINT_DETAILS.columns
                    copy(cursor, COMPLAINT_DETAILS.table, columns, ((stream, 1, 1, *row) for stream, row in rows))
                    texts = (self._text_of(stream, row, self.complaints + n) for n, (stream, row) in enumerate(rows))
                    copy(cursor, COMPLAINT_TEXTS.table, COMPLAINT_TEXTS.columns, texts)
                    for sums in COMPLAINT_DETAILS.sums:
                        add(cursor, sums, _total(sums, rows))
                self.complaints += count
                say(f"  {self.complaints:,} complaints")
        with closing(connect(self.url, None, statement_timeout_s=0)) as conn, conn.cursor() as cursor:
            cursor.execute("vacuum analyze")
            cursor.execute("checkpoint")

    def _another(self, number: int) -> tuple[str, Row]:
        stream, row = self._rows[number % len(self._rows)]
        is_open = row.status in OPEN
        most = OPEN_APART if is_open else ENDED_APART
        apart = most * self._chance.uniform(-1, 1 if is_open else 0)
        twin = int(TWINS * self._chance.random() ** 3)
        fields = row._asdict()
        for name, value in fields.items():
            if isinstance(value, datetime):
                fields[name] = value + apart
        merchant, holder = row.merchant_id, row.holder
        fields |= {
            "consumer_id": twin_of(row.consumer_id, number),
            "merchant_id": merchant and twin_of(merchant, twin),
            "holder": twin_of(merchant, twin) if merchant and holder == merchant else holder,
            "mediator_id": row.mediator_id and twin_of(row.mediator_id, number % TWINS),
            "order_reference": row.order_reference and f"{row.order_reference}-{number}",
            "reference": row.reference and f"{row.reference}-{number}",
            "clocks": _moved(row.clocks, apart),
        }
        return twin_of(stream, number), Row(**fields)

    def _text_of(self, stream: str, row: Row, number: int) -> tuple[Any, ...]:
        text = f"{self._chance.choice(self._texts)} '{word_of(number)}':{WORDS_OF_A_TEXT * 4}"
        return stream, 1, 1, row.filed_at, WORDS_OF_A_TEXT * 4, text


def word_of(number: int) -> str:
    """Return the word that one copy alone has."""
    return f"n{number}"


def _text(chance: Random) -> str:
    """Return the words of a text, half of them Chinese, as they are kept."""
    latin = (f"w{int(VOCABULARY ** chance.random())}" for _ in range(WORDS_OF_A_TEXT // 2))
    chinese = "".join(chance.choice(CHINESE) for _ in range(WORDS_OF_A_TEXT // 2))
    places: dict[str, list[str]] = {}
    for place, word in enumerate(words(" ".join((*latin, chinese))), 1):
        places.setdefault(word, []).append(str(place))
    return " ".join(f"'{word}':{','.join(own)}" for word, own in places.items())


def _total(sums: Sums, rows: list[tuple[str, Row]]) -> dict[Key, Sequence[int]]:
    total: dict[Key, Sequence[int]] = {}
    for stream, row in rows:
        gather(total, change(sums, None, row, stream))
    for key, values in list(total.items()):
        for coarser in sums.coarser(key):
            gather(total, {coarser: values})
    return total


def twin_of(identifier: str, number: int) -> str:
    """Return the id of a copy; the first is the thing itself."""
    return identifier if number == 0 else _derived(identifier, number)


def _derived(identifier: str, number: int) -> str:
    own = str(UUID(bytes=md5(f"{identifier}:{number}".encode(), usedforsecurity=False).digest()))
    return f"{identifier[:-36]}{own}"


def _twins(merchants: list[tuple[str, int, int, Any]]) -> Iterator[tuple[Any, ...]]:
    for stream, version, position, row in merchants:
        for number in range(1, TWINS):
            merged_into = row.merged_into and twin_of(row.merged_into, number)
            own = row._replace(trade_name=f"{row.trade_name} {number}", merged_into=merged_into)
            yield twin_of(stream, number), version, position, *own


def _moved(clocks: str, apart: timedelta) -> str:
    pairs = (one.split("=") for one in clocks.split())
    return " ".join(
        f"{name}={due if due == STOPPED else format_instant(parse_instant(due) + apart)}" for name, due in pairs
    )


def _rows(cursor: Any, projection: Projection) -> Iterator[tuple[str, int, int, Any]]:
    cursor.execute(f"select {', '.join(projection.columns)} from {projection.table} order by {projection.key}")
    for stream, version, position, *fields in cursor.fetchall():
        yield stream, version, position, projection.row(*fields)
