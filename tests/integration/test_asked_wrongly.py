"""Questions over HTTP that would be answered with something else: they are refused, with what would be right."""

from __future__ import annotations

import httpx
import pytest

from domain.values import Actor, Role
from tests.integration.reported import complaint
from tests.integration.test_http import Server


@pytest.mark.parametrize(
    ("path", "parameter", "hint"),
    [
        ("/statistics/industry", "intervall=quarter", "interval"),
        ("/complaints", "filters=open:yes", "filter"),
        ("/merchants", "Name=Great", "name"),
        ("/boards/alerts", "from=2026-01-01", "explain"),
        ("/health/live", "x", "none"),
        (f"/complaints/{complaint(0)}", "min_position=7", "version"),
    ],
)
def test_a_parameter_that_there_is_not_is_refused(http: httpx.Client, path: str, parameter: str, hint: str) -> None:
    assert http.get(path).status_code == 200
    refused = http.get(f"{path}?{parameter}")
    assert refused.status_code == 422
    assert repr(parameter.partition("=")[0]) in refused.json()["detail"]
    assert hint in refused.json()["hint"]


@pytest.mark.parametrize(
    ("path", "condition", "hint"),
    [
        ("/complaints", "status:bogus", "routed"),
        ("/complaints/facets", "channel:zzz", "app"),
        ("/statistics/region", "kind:zzz", "report"),
        ("/flows/channel", "channel:zzz", "web"),
        ("/complaints", "way:zzz", "mediation"),
    ],
)
@pytest.mark.parametrize("parameter", ["filter", "exclude"])
def test_a_value_that_a_field_cannot_have_is_refused(
    http: httpx.Client, path: str, parameter: str, condition: str, hint: str
) -> None:
    field, _, _ = condition.partition(":")
    assert http.get(path, params={parameter: f"{field}:"}).status_code == 200
    refused = http.get(path, params={parameter: condition})
    assert refused.status_code == 422
    assert hint in refused.json()["hint"]


def test_what_people_wrote_is_not_for_analysts(server: Server) -> None:
    path = f"/complaints/{complaint(0)}"
    with server.client(Actor("ana", Role.ANALYST)) as analyst, server.client(Actor("aud", Role.AUDITOR)) as auditor:
        for history in (f"{path}/events", f"{path}/events/stream"):
            refused = analyst.get(history)
            assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (403, "forbidden")
        assert (auditor.get(path).json()["product"], analyst.get(path).json()["product"]) == ("rice cooker", "")
        assert auditor.get(f"{path}/events").json()["items"][0]["data"]["product"] == "rice cooker"
