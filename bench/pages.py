"""How long do pages of boards, rankings and search take over a million complaints, and how does that grow?

Pages are asked for over HTTP, one after the other on one connection, of an API process with nothing else to do.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote

from adapters.database import connect
from bench.corpus import Corpora
from bench.deployed import deployed
from bench.harness import Comparison, Figures, Finding, Scale, Services, percentile, say
from bench.market import Market, simulate_market, word_of

LIMIT_MS = 50.0
#: A page of fifty, as a list on a screen.
PAGE = "limit=50"
NOTHING = "/health/live"
#: Told, and not held to the limit: what is no board, ranking or search, and is put together complaint by complaint, or
#: of all merchants and days of two tables.
FLOWS_OF_A_QUARTER = "flows: by merchant, quarter"
LARGE_BY_STAGE = "statistics: a large merchant by stage"
SMALL_EXPLAINED, LARGE_EXPLAINED = "credit: a small merchant explained", "credit: a large merchant explained"
OTHERS = (FLOWS_OF_A_QUARTER, LARGE_BY_STAGE, SMALL_EXPLAINED, LARGE_EXPLAINED)
#: Routes that do not tell their queries.
UNEXPLAINED = ("nothing read", "board: freshness", SMALL_EXPLAINED, LARGE_EXPLAINED)

Paths = Mapping[str, Sequence[str]]


def measure(services: Services, corpora: Corpora, scale: Scale) -> Sequence[Finding]:
    """Compare the p95 of each page with 50 ms, and with the same page over a tenth of the complaints."""
    with deployed(services, topics=False) as system:
        say("pages: simulating a market")
        simulate_market(system.database_url)
        market = Market(system.database_url)
        port = system.api()
        runs = []
        for complaints in (scale.paged_complaints // 10, scale.paged_complaints):
            say(f"pages: growing it to {complaints:,} complaints")
            market.grow_to(complaints)
            paths = paths_of(system.database_url, datetime.now(UTC))
            runs.append(_times(port, system.token, paths, scale.paged_requests))
        small, large = runs
        plans = _plans(system.database_url, port, system.token, paths)
    p95 = {name: percentile(times, 95) for name, times in large.items()}
    before = {name: percentile(times, 95) for name, times in small.items()}
    held = [name for name in p95 if name not in OTHERS]
    missed = [name for name in held if p95[name] > LIMIT_MS]
    over = f"{scale.paged_complaints:,} complaints"
    slowest = max(held, key=lambda name: p95[name])
    return [
        Comparison(
            f"pages over {over}, p95 of the slowest ({slowest}) against {LIMIT_MS:g} ms",
            slowest,
            "limit",
            "ms",
            [(p95[slowest], LIMIT_MS)],
            1.0,
            at_most=True,
        ),
        Figures(
            f"pages over {over}: p95 of {scale.paged_requests} requests",
            "ms",
            {name: [value] for name, value in p95.items()},
            [f"over {LIMIT_MS:g} ms: {', '.join(missed) or 'none'}", f"not held to it: {', '.join(OTHERS)}"],
        ),
        Figures(
            f"the same: p50 against that over {scale.paged_complaints // 10:,} complaints",
            "times",
            {
                name: [percentile(times, 50) / percentile(small[name], 50)]
                for name, times in large.items()
                if name in small
            },
            [f"p95 over {scale.paged_complaints // 10:,}: at most {max(before.values()):.1f} ms"],
        ),
        Figures(
            "the plans over all complaints: time in PostgreSQL",
            "ms",
            {name: [spent] for name, (spent, _) in plans.items()},
            [f"{name}: {plan}" for name, (_, plan) in plans.items()],
        ),
    ]


def paths_of(url: str, now: datetime) -> Paths:
    """Return the pages by name, each asked for in turn under several paths."""
    with closing(connect(url, None, statement_timeout_s=0)) as conn, conn.cursor() as cursor:

        def most(column: str, condition: str = "true", behind: int = 0, count: int = 5) -> list[str]:
            cursor.execute(
                f"select {column} from read.complaint_details where ({column}) is not null and {condition} "
                f"group by 1 order by count(*) desc, 1 limit {count} offset {behind}"
            )
            return [str(value) for (value,) in cursor]

        is_open = "next_due is not null"
        merchants, small = most("merchant_id"), most("merchant_id", behind=1_000)
        regions, scenarios = most("left(region, 2) || '0000'"), most("scenario")
        cursor.execute("select order_reference from read.complaint_details where order_reference is not null limit 5")
        orders = [order for (order,) in cursor]
        offices, holders = most("office_id"), most("merchant_id", f"holder = merchant_id and {is_open}")
        mediators, consumers = most("mediator_id", is_open), most("consumer_id")
    today = now.date()
    year = f"from={today - timedelta(days=365)}&to={today}"
    quarter = f"from={today - timedelta(days=91)}&to={today}"
    found: dict[str, Sequence[str]] = {
        "nothing read": [NOTHING],
        "search: newest": [f"/complaints?{PAGE}"],
        "search: due next": [f"/complaints?{PAGE}&sort=due&filter=open:yes"],
        "search: greatest amount": [f"/complaints?{PAGE}&sort=amount"],
        "search: a large merchant": [f"/complaints?{PAGE}&filter=merchant:{one}" for one in merchants],
        "search: a small merchant": [f"/complaints?{PAGE}&filter=merchant:{one}" for one in small],
        "search: a province": [f"/complaints?{PAGE}&filter=region:{one}" for one in regions],
        "search: an order": [f"/complaints?{PAGE}&filter=order:{quote(one)}" for one in orders],
        "search: overdue": [f"/complaints?{PAGE}&filter=overdue:yes"],
        "search: scenario, region, excluding": [
            f"/complaints?{PAGE}&filter=scenario:{one}&filter=region:{regions[0]}&exclude=status:resolved"
            for one in scenarios
        ],
        "search: open of an office, due next": [
            f"/complaints?{PAGE}&filter=office:{one}&filter=open:yes&sort=due" for one in offices
        ],
        "search: far behind": [f"/complaints?{PAGE}&filter=status:closed&to={today - timedelta(days=700)}"],
        "facets: everything": ["/complaints/facets"],
        "facets: a large merchant": [f"/complaints/facets?filter=merchant:{one}" for one in merchants],
        "facets: a scenario and a region": [
            f"/complaints/facets?filter=scenario:{one}&filter=region:{regions[0]}" for one in scenarios
        ],
        "text: a frequent word": [f"/complaints?{PAGE}&q={one}" for one in ("w1", "w2", "w3")],
        "text: a rare word": [f"/complaints?{PAGE}&q=w{one}" for one in range(4_000, 4_005)],
        "text: a word of one complaint": [f"/complaints?{PAGE}&q={word_of(one)}" for one in range(5_000, 5_005)],
        "text: two words": [f"/complaints?{PAGE}&q=w7+w{one}" for one in range(40, 45)],
        "text: Chinese": [f"/complaints?{PAGE}&q={quote(one)}" for one in ("退款", "电饭锅", "虚假宣传")],
        "text: a phrase in Chinese": [f"/complaints?{PAGE}&q={quote(one)}" for one in ('"直播赠品"', '"会员续费扣费"')],
        "text: a word and a province": [f"/complaints?{PAGE}&q=w50&filter=region:{one}" for one in regions],
        "text: facets of a frequent word": ["/complaints/facets?q=w1"],
        "text: facets of a rare word": [f"/complaints/facets?q=w{one}" for one in range(4_000, 4_005)],
        "worklist: merchant": [f"/worklists/merchant/{one}?{PAGE}" for one in holders],
        "worklist: mediator": [f"/worklists/mediator/{one}?{PAGE}" for one in mediators],
        "worklist: office": [f"/worklists/office/{one}?{PAGE}" for one in offices],
        "worklist: consumer": [f"/worklists/consumer/{one}?{PAGE}" for one in consumers],
        "board: overdue by office": ["/boards/overdue/office"],
        "board: overdue by merchant": [f"/boards/overdue/merchant?{PAGE}"],
        "board: trend by month": ["/boards/trend/all"],
        "board: trend by week, a merchant": [
            f"/boards/trend/merchant?interval=week&filter=merchant:{one}" for one in merchants
        ],
        "board: alerts": ["/boards/alerts"],
        "board: freshness": ["/boards/freshness"],
        "board: mediators": ["/boards/mediators"],
        "board: warnings": ["/boards/warnings"],
        "board: measures in force": ["/boards/measures-in-force"],
        "board: circle effects": ["/boards/circle-effects"],
        "board: consequences": [f"/boards/consequences?merchant_id={one}" for one in merchants],
        "statistics: by region": ["/statistics/region"],
        "statistics: by scenario and month": ["/statistics/scenario?interval=month"],
        "statistics: by merchant, last year": [f"/statistics/merchant?{year}&{PAGE}"],
        "statistics: by industry": ["/statistics/industry"],
        "statistics: a small merchant by stage": [f"/statistics/stage?filter=merchant:{one}" for one in small],
        LARGE_BY_STAGE: [f"/statistics/stage?filter=merchant:{one}" for one in merchants],
        "ranking: merchants by resolved, quarter": [f"/rankings/merchant?{quarter}&{PAGE}"],
        "ranking: merchants by resolved, all time": [f"/rankings/merchant?{PAGE}"],
        "flows: by merchant": [f"/flows/merchant?{PAGE}"],
        FLOWS_OF_A_QUARTER: [f"/flows/merchant?{quarter}&{PAGE}"],
        "flows: by industry": ["/flows/industry"],
        "a merchant around a day": [f"/merchants/{one}/around?day={today - timedelta(days=200)}" for one in merchants],
        "ranking: industries": ["/rankings/industry"],
        "ranking: per 10,000 transactions": [f"/rankings/merchant/per-10000?stage=after-sale&{quarter}&{PAGE}"],
        "ranking: credit": [f"/credit/ranking?{PAGE}"],
        SMALL_EXPLAINED: [f"/merchants/{one}/credit/explain" for one in small],
        LARGE_EXPLAINED: [f"/merchants/{one}/credit/explain" for one in merchants],
        "publication table": [f"/publication?{quarter}&{PAGE}"],
        "awards": [f"/awards?{year}"],
        "funnel": [f"/funnel?{year}"],
        "durations": [f"/statistics/region/durations?what=resolution&{year}"],
        "efficiency": [
            f"/efficiency?before_from={today - timedelta(days=200)}&before_to={today - timedelta(days=101)}"
            f"&after_from={today - timedelta(days=100)}&after_to={today}"
        ],
    }
    return {name: paths for name, paths in found.items() if paths}


def _times(port: int, token: str, paths: Paths, requests: int) -> dict[str, list[float]]:
    """Return the milliseconds of each request, by page; the first of each path is not counted."""
    found: dict[str, list[float]] = {}
    with closing(HTTPConnection("127.0.0.1", port, timeout=120)) as connection:
        for name, own in paths.items():
            for path in own:
                _ask(connection, token, path)
            found[name] = []
            for number in range(requests):
                begun = time.perf_counter()
                _ask(connection, token, own[number % len(own)])
                found[name].append(1_000 * (time.perf_counter() - begun))
            say(f"  {name}: p50 {percentile(found[name], 50):.1f}, p95 {percentile(found[name], 95):.1f} ms")
    return found


def _ask(connection: HTTPConnection, token: str, path: str) -> Any:
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    response = connection.getresponse()
    body = response.read()
    if response.status != 200:
        raise RuntimeError(f"{path} was answered with {response.status}: {body.decode()[:500]}")
    return json.loads(body)


def _plans(url: str, port: int, token: str, paths: Paths) -> dict[str, tuple[float, str]]:
    """Return for each page the milliseconds of its queries, and which scans they make, as EXPLAIN ANALYZE tells."""
    found: dict[str, tuple[float, str]] = {}
    with (
        closing(HTTPConnection("127.0.0.1", port, timeout=120)) as connection,
        closing(connect(url, "ledger_api", statement_timeout_s=0)) as conn,
        conn.cursor() as cursor,
    ):
        for name, (path, *_) in paths.items():
            if name in UNEXPLAINED:
                continue
            told = _ask(connection, token, f"{path}{'&' if '?' in path else '?'}explain=true")
            queries = _queries(told)
            spent, scans = 0.0, []
            for query in queries:
                cursor.execute(f"explain (analyze, buffers, format json) {query}")
                ((((plan, *_),),),) = (cursor.fetchall(),)
                spent += plan["Execution Time"]
                scans.append(" + ".join(_scans(plan["Plan"])) or plan["Plan"]["Node Type"])
            if queries:
                found[name] = spent, "; ".join(scans)
    return found


def _queries(told: Any) -> list[str]:
    asked = told.get("explain") if isinstance(told, dict) else None
    asked = asked["queries"] if isinstance(asked, dict) else asked
    if isinstance(asked, list):
        return [one for one in asked if isinstance(one, str) and one.lstrip().lower().startswith(("select", "with"))]
    return []


def _scans(node: Mapping[str, Any]) -> Iterator[str]:
    """Tell the scans of a plan: index or table, and rows."""
    if "Scan" in node["Node Type"] and (scanned := node.get("Index Name") or node.get("Relation Name")):
        rows, dropped = (node.get(name, 0) * node["Actual Loops"] for name in ("Actual Rows", "Rows Removed by Filter"))
        left_out = f", {dropped:,.0f} filtered out" if dropped else ""
        yield f"{node['Node Type']} {scanned} ({rows:,.0f} rows{left_out})"
    for child in node.get("Plans", ()):
        yield from _scans(child)
