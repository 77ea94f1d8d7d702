import csv
import hashlib
import io
import re
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import adapters
from adapters.cfpb import NotCfpbError, Refused, Response, Row, read_cfpb
from adapters.csv_records import MAX_RECORD_BYTES

SAMPLE = Path(adapters.__file__).parent / "data" / "cfpb_2014.csv"
TODAY = date(2026, 1, 1)
H14 = (
    "Complaint ID,Product,Sub-product,Issue,Sub-issue,State,ZIP code,Submitted via,Date received,"
    "Date sent to company,Company,Company response,Timely response?,Consumer disputed?"
)
R14 = '7,Mortgage,,Servicing,,FL,32219,Web,11/3/2014,11/04/2014,"Acme, Inc.",Closed with relief,Yes,No'
H18 = (
    "Date received,Product,Sub-product,Issue,Sub-issue,Consumer complaint narrative,Company public response,"
    "Company,State,ZIP code,Tags,Consumer consent provided?,Submitted via,Date sent to company,"
    "Company response to consumer,Timely response?,Consumer disputed?,Complaint ID"
)
HAPI = (
    "complaint_id,date_received,company,product,sub_product,issue,sub_issue,complaint_what_happened,"
    "date_sent_to_company,company_response,company_public_response,state,zip_code,consumer_consent_provided,"
    "consumer_disputed,submitted_via,tags,timely"
)
KEYS14 = [
    "complaint_id",
    "product",
    "sub_product",
    "issue",
    "sub_issue",
    "state",
    "zip_code",
    "channel",
    "received",
    "sent",
    "company",
    "response",
    "timely",
    "disputed",
]
KEYS18 = [
    "received",
    "product",
    "sub_product",
    "issue",
    "sub_issue",
    "narrative",
    "public_response",
    "company",
    "state",
    "zip_code",
    "tags",
    "consent",
    "channel",
    "sent",
    "response",
    "timely",
    "disputed",
    "complaint_id",
]
KEYSAPI = [
    "complaint_id",
    "received",
    "company",
    "product",
    "sub_product",
    "issue",
    "sub_issue",
    "narrative",
    "sent",
    "response",
    "public_response",
    "state",
    "zip_code",
    "consent",
    "disputed",
    "channel",
    "tags",
    "timely",
]
NO_ID = H14.removeprefix("Complaint ID,")
ROW_NO_ID = R14.removeprefix("7,")


def r18(ident: int, narrative: str = "") -> str:
    return (
        f"03/12/2014,Mortgage,,Servicing,,{narrative},,ACME,FL,48382,N/A,N/A,Referral,03/17/2014,Closed,Yes,N/A,{ident}"
    )


def read_bytes(content: bytes, today: date = TODAY) -> list[Row | Refused]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "complaints.csv"
        path.write_bytes(content)
        return list(read_cfpb(path, today=today))


def read(*lines: str, end: str = "\n") -> list[Row | Refused]:
    return read_bytes((end.join(lines) + end).encode())


def only_row(found: list[Row | Refused]) -> Row:
    assert len(found) == 1
    assert isinstance(found[0], Row), found
    return found[0]


def only_reason(found: list[Row | Refused]) -> str:
    assert len(found) == 1
    assert isinstance(found[0], Refused), found
    return found[0].reason


def outline(found: list[Row | Refused]) -> list[tuple[int, str]]:
    return [(item.line, item.complaint_id if isinstance(item, Row) else "refused") for item in found]


def test_sample_is_the_published_file_and_only_its_cut_last_line_is_refused() -> None:
    digest = hashlib.sha256(SAMPLE.read_bytes()).hexdigest()
    assert digest == "89f8c8c0bc17df85a803fb7c226a54037bc1cb16381064d4cf0278b1461731f2"
    found = list(read_cfpb(SAMPLE, today=TODAY))
    rows = [item for item in found if isinstance(item, Row)]
    refused = [item for item in found if isinstance(item, Refused)]
    assert len(rows) == 8339
    assert [item.line for item in refused] == [8341]
    assert "has 13 fields, the header has 14" in refused[0].reason
    answered = [r for r in rows if r.response not in (Response.IN_PROGRESS, Response.UNTIMELY)]
    relief = [r for r in rows if r.response in (Response.MONETARY_RELIEF, Response.NON_MONETARY_RELIEF)]
    assert (len(answered), sum(r.timely is True for r in answered)) == (6484, 6443)
    assert (len(relief), sum(r.disputed is True for r in rows)) == (1272, 1047)


def test_every_field_of_the_14_column_form_is_read() -> None:
    assert only_row(read(H14, R14)) == Row(
        line=2, complaint_id="7", id_derived=False, product="Mortgage", sub_product=None, issue="Servicing",
        sub_issue=None, state="FL", zip_code="32219", channel="web", received=date(2014, 11, 3),
        sent=date(2014, 11, 4), company="Acme, Inc.", response=Response.RELIEF, timely=True, disputed=False,
        narrative=None, public_response=None, tags=(), consent=None,
    )  # fmt: skip


def test_api_export_with_timestamps_and_extra_columns_is_read() -> None:
    line = (
        '12,2020-03-04T12:00:00-05:00,ACME,Mortgage,,Servicing,,"It broke",2020-03-05T12:00:00-05:00,'
        'In progress,,FL,48382,Consent provided,N/A,Web Referral,"Older American, Servicemember",,9'
    )
    row = only_row(read(HAPI + ",has_narrative", line))
    assert (row.received, row.sent) == (date(2020, 3, 4), date(2020, 3, 5))
    assert (row.channel, row.narrative, row.timely, row.disputed) == ("web_referral", "It broke", None, None)
    assert row.tags == ("Older American", "Servicemember")


def test_header_is_known_in_any_order_and_case_with_a_bom() -> None:
    names, values = H14.upper().split(","), next(csv.reader([R14]))
    text = io.StringIO()
    csv.writer(text).writerows([names[::-1], values[::-1]])
    assert only_row(read_bytes(b"\xef\xbb\xbf" + text.getvalue().encode())) == only_row(read(H14, R14))


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("1/2/2014", date(2014, 1, 2)),
        ("01/02/14", date(2014, 1, 2)),
        ("2014-01-02", date(2014, 1, 2)),
        ("2014-01-02T23:59:59.000Z", date(2014, 1, 2)),
        ("2014-01-02 00:00:00", date(2014, 1, 2)),
        ("05/01/2011", date(2011, 5, 1)),
    ],
)
def test_each_published_date_form_is_the_calendar_day_as_written(text: str, day: date) -> None:
    assert only_row(read(H14, R14.replace("11/3/2014", text))).received == day


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("02/30/2014", "does not exist"),
        ("01/02/2026", "future"),
        ("01/02/1989", "before 1990"),
        ("1/2/014", "is no date"),
        ("2014-01-02Tnoon", "is no date"),
        ("٠1/02/2014", "is no date"),
        ("", "is empty"),
    ],
)
def test_impossible_date_is_refused_with_its_column(text: str, reason: str) -> None:
    found = only_reason(read(H14, R14.replace("11/3/2014", text)))
    assert "'Date received'" in found
    assert reason in found


def test_complaint_sent_before_it_was_received_is_taken() -> None:
    assert only_row(read(H14, R14.replace("11/04/2014", "11/02/2014"))).sent == date(2014, 11, 2)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("7,", ",", "no complaint id"),
        ("7,", "1.1E+06,", "no complaint id"),
        ("Web", "Pigeon", "'postal mail'"),
        ("Closed with relief", "Closed with joy", "'closed with relief'"),
        ("Yes", "Maybe", "'Timely response?'"),
        ("Mortgage", "N/A", "'Product' is empty"),
        ("Servicing", "x" * 501, "501 characters, at most 500"),
        ("Servicing", "a\0b", "U+0000"),
        ("Servicing", "a\tb", "U+0009"),
        (",Yes,No", ",Yes", "has 13 fields, the header has 14"),
        (",No", ",No,", "has 15 fields"),
    ],
)
def test_bad_value_is_refused_with_a_reason_and_the_next_row_is_read(old: str, new: str, reason: str) -> None:
    bad, good = read(H14, R14.replace(old, new, 1), R14)
    assert isinstance(bad, Refused)
    assert bad.line == 2
    assert reason in bad.reason
    assert isinstance(good, Row)


def test_empty_response_of_the_published_file_is_kept_as_not_stated() -> None:
    assert only_row(read(H14, R14.replace("Closed with relief", ""))).response is Response.NOT_STATED


def test_bytes_that_are_not_utf8_refuse_only_their_record() -> None:
    lines = [H14.encode(), R14.replace("Acme", "Café").encode("cp1252"), R14.encode(), b""]
    bad, good = read_bytes(b"\n".join(lines))
    assert isinstance(bad, Refused)
    assert re.search("0xe9 .*Windows-1252", bad.reason)
    assert isinstance(good, Row)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_narrative_over_several_lines_keeps_line_numbers_right(end: str) -> None:
    found = read(H18, r18(1, f'"Dear ""CFPB"",{end}{end}tab\there"'), r18(2), "", r18(3, '"x"'), end=end)
    assert outline(found) == [(2, "1"), (5, "2"), (7, "3")]
    assert isinstance(found[0], Row)
    assert found[0].narrative == 'Dear "CFPB",\n\ntab\there'


def test_narrative_at_the_limit_is_taken_and_one_over_it_is_refused_as_a_whole() -> None:
    many = "a\n" * 15_999 + "ab"
    assert outline(read(H18, r18(1, f'"{many}"'), r18(2))) == [(2, "1"), (16_002, "2")]
    long = "\U0001f600" * 31_999
    assert outline(read(H18, r18(1, f'"{long}\n"'), r18(2, f'"{long}\nxy"'), r18(3))) == [
        (2, "1"), (4, "refused"), (6, "3")
    ]  # fmt: skip


@pytest.mark.parametrize("rest", [3, 30, 12_000])
def test_quote_left_open_refuses_only_its_own_line(rest: int) -> None:
    good = [r18(n) for n in range(10, 10 + rest)]
    found = read(H18, r18(1), r18(2, '"left open'), *good)
    expected = [(2, "1"), (3, "refused"), *((4 + n, str(10 + n)) for n in range(rest))]
    assert outline(found) == expected


@pytest.mark.parametrize("narrative", ['"Hello\nworld"', '"\nHello"', '"a, ""b""\n, c"', '"one line"'])
def test_quote_left_open_does_not_harm_a_later_quoted_narrative(narrative: str) -> None:
    found = read(H18, r18(1, '"left open'), r18(2), r18(3, narrative), r18(4))
    assert [ident for _, ident in outline(found)] == ["refused", "2", "3", "4"]


def test_quote_left_open_in_the_last_column_or_at_the_end_of_file_is_refused_at_its_line() -> None:
    first = R14.removesuffix("No") + '"No'
    assert outline(read(H14, first, R14, first)) == [(2, "refused"), (3, "7"), (4, "refused")]


def test_line_over_the_bound_is_refused_without_being_held() -> None:
    size = 40 * MAX_RECORD_BYTES
    with TemporaryDirectory() as folder:
        path = Path(folder) / "complaints.csv"
        path.write_bytes(f"{H14}\n".encode() + b"x" * size + f"\n{R14}\n".encode())
        tracemalloc.start()
        found = list(read_cfpb(path, today=TODAY))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert outline(found) == [(2, "refused"), (3, "7")]
    assert peak < size / 4


def test_rows_without_an_id_get_stable_ids_and_equal_rows_stay_apart() -> None:
    other = ROW_NO_ID.replace("FL", "GA")
    first = outline(read(NO_ID, ROW_NO_ID, ROW_NO_ID, other))
    again = outline(read(NO_ID, other, ROW_NO_ID.replace("11/3/2014", "2014-11-03"), ROW_NO_ID))
    ids = {ident for _, ident in first}
    assert len(ids) == 3
    assert {ident for _, ident in again} == ids
    # Imported complaints are known by these ids: a change here would import every such file anew.
    assert first[0][1] == "row-bc4107fdc820701c3553e22b21781a0a"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf", "line 1 is empty"),
        (b"\n" + H14.encode(), "line 1 is empty"),
        (f"{H14}\n{R14}\n".encode("utf-16"), "iconv -f UTF-16"),
        (f"{H14}\n{R14}\n".encode("utf-16-le"), "iconv -f UTF-16LE"),
        (b"PK\x03\x04...", "unpack"),
        (b"\x1f\x8b\x08", "unpack"),
        (b"a,b,c\n1,2,3\n", "no column 'Product'.* found 3: 'a', 'b', 'c'"),
        (H14.replace("Date received", "When").encode(), "no column 'Date received'"),
        (H14.replace("Sub-product", "Product").encode(), "two columns"),
        ((H14 + ",Company response to consumer").encode(), "two columns"),
        (H14.replace("State", "\xc9tat").encode("cp1252"), "not UTF-8"),
        (b'"Product,Issue\n', "not CSV"),
    ],
)
def test_file_of_another_kind_is_rejected_with_what_is_wrong(content: bytes, reason: str) -> None:
    with pytest.raises(NotCfpbError, match=reason):
        read_bytes(content)


@pytest.mark.parametrize("name", [".", "missing.csv", "nul\0.csv"])
def test_path_that_is_no_readable_file_is_rejected(name: str, tmp_path: Path) -> None:
    with pytest.raises(NotCfpbError, match="cannot be opened"):
        list(read_cfpb(tmp_path / name, today=TODAY))


@pytest.mark.parametrize("with_id", [True, False])
def test_memory_does_not_grow_with_the_file(with_id: bool, tmp_path: Path) -> None:
    def peak(count: int) -> int:
        path = tmp_path / f"{count}.csv"
        with path.open("w") as file:
            file.write((H14 if with_id else NO_ID) + "\n")
            for n in range(count):
                line = ROW_NO_ID.replace("32219", str(n))
                file.write(f"{n + 1},{line}\n" if with_id else f"{line}\n")
        tracemalloc.start()
        assert sum(isinstance(item, Row) for item in read_cfpb(path, today=TODAY)) == count
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    peak(100)
    assert peak(12_000) < 1.2 * peak(3_000)


def words(limit: int = 30, extra: str = "") -> st.SearchStrategy[str]:
    letters = st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from(list(",\"' ;" + extra))
    return st.text(letters, max_size=limit).map(str.strip).map(lambda t: t.replace("\r", ""))


def given_words() -> st.SearchStrategy[str]:
    return words().filter(lambda text: text.upper() not in ("", "N/A"))


def perhaps(text: st.SearchStrategy[str]) -> st.SearchStrategy[str | None]:
    return st.none() | text.filter(lambda value: value not in ("", "N/A", "n/a"))


DAYS = st.dates(date(1990, 1, 1), TODAY)
RESPONSES = {
    Response.IN_PROGRESS: "In progress",
    Response.UNTIMELY: "Untimely response",
    Response.CLOSED: "Closed",
    Response.EXPLANATION: "Closed with explanation",
    Response.MONETARY_RELIEF: "Closed with monetary relief",
    Response.NON_MONETARY_RELIEF: "Closed with non-monetary relief",
    Response.RELIEF: "Closed with relief",
    Response.NO_RELIEF: "Closed without relief",
    Response.NOT_STATED: "",
}
ROWS = st.builds(
    Row,
    line=st.just(0),
    complaint_id=st.integers(1, 10**12).map(str),
    id_derived=st.just(False),
    product=given_words(),
    sub_product=perhaps(words()),
    issue=perhaps(words()),
    sub_issue=perhaps(words()),
    state=perhaps(words()),
    zip_code=perhaps(words()),
    channel=st.sampled_from(["web", "referral", "phone", "postal_mail", "fax", "email", "web_referral"]),
    received=DAYS,
    sent=st.none() | DAYS,
    company=given_words(),
    response=st.sampled_from(Response),
    timely=st.sampled_from([True, False, None]),
    disputed=st.sampled_from([True, False, None]),
    narrative=perhaps(words(200, "\n\t")),
    public_response=perhaps(words()),
    tags=st.lists(st.sampled_from(["Older American", "Servicemember"]), max_size=2, unique=True).map(tuple),
    consent=perhaps(words()),
)


def cells(row: Row, keys: list[str], form: str) -> Iterator[str]:
    for key in keys:
        value = getattr(row, key)
        if isinstance(value, Response):
            yield RESPONSES[value]
        elif isinstance(value, bool):
            yield "Yes" if value else "No"
        elif isinstance(value, date):
            yield value.isoformat() + "T12:00:00-05:00" if form == HAPI else value.strftime("%m/%d/%Y")
        elif isinstance(value, tuple):
            yield ", ".join(value)
        elif key == "channel":
            yield value.replace("_", " ").capitalize()
        else:
            yield value or ""


@settings(max_examples=150, deadline=None)
@given(
    st.lists(ROWS, max_size=6),
    st.sampled_from([(H14, KEYS14), (H18, KEYS18), (HAPI, KEYSAPI)]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_rows_written_in_any_form_are_read_back(rows: list[Row], form: tuple[str, list[str]], end: str) -> None:
    header, keys = form
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=end)
    writer.writerow(header.split(","))
    expected = []
    for row in rows:
        line = text.getvalue().count("\n") + 1
        writer.writerow(cells(row, keys, header))
        if header == H14:
            row = replace(row, narrative=None, public_response=None, tags=(), consent=None)
        expected.append(replace(row, line=line))
    assert read_bytes(text.getvalue().encode()) == expected


PIECES = st.lists(
    st.binary(max_size=20)
    | st.sampled_from([b'"', b'""', b",", b"\n", b"\r", b"\0", b'a","', b'","\n', b"\xff", b"x,\n" * 30])
)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([H14, H18, HAPI, NO_ID, ""]), PIECES, st.integers(0, 6), st.booleans())
def test_arbitrary_bytes_raise_nothing_else_and_name_true_lines(
    header: str, pieces: list[bytes], place: int, inside: bool
) -> None:
    good = R14 if header == H14 else r18(5, '"a\nb"')
    lines = [header.encode(), *[good.encode()] * 5]
    junk = b"".join(pieces)
    if inside and place:
        at = len(lines[place - 1]) // 2
        lines[place - 1] = lines[place - 1][:at] + junk + lines[place - 1][at:]
    else:
        lines.insert(place, junk)
    content = b"\n".join(lines)
    try:
        found = read_bytes(content)
    except NotCfpbError:
        return
    numbers = [item.line for item in found]
    assert numbers == sorted(set(numbers))
    assert all(2 <= number <= content.count(b"\n") + 1 for number in numbers)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 8339), st.sampled_from(['"', 'x"y', '"x', ',"']), st.integers(0, 30))
def test_a_stray_quote_in_the_sample_costs_its_own_line_only(place: int, stray: str, at: int) -> None:
    start = max(0, min(place, 8300))
    lines = SAMPLE.read_bytes().decode().split("\r\n")[1:][start : start + 30]
    broken = list(lines)
    broken[5] = broken[5][:at] + stray + broken[5][at:]
    before = {item.line: item for item in read(H14, *lines)}
    after = {item.line: item for item in read(H14, *broken)}
    before.pop(7)
    after.pop(7)
    assert after == before


def test_two_digit_years_are_of_this_century() -> None:
    tomorrow = (TODAY + timedelta(days=1)).strftime("%m/%d/%y")
    assert "future" in only_reason(read(H14, R14.replace("11/3/2014", tomorrow)))
