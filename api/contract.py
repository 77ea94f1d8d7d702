"""The contract for subscribers over HTTP: the AsyncAPI document, and the schema that a record names. For everybody."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse

from adapters.contract import DIRECTORY
from domain.errors import UnknownStream

router = APIRouter(include_in_schema=False)

_SCHEMAS = {path.stem: path for path in (DIRECTORY / "schemas").glob("*.json")}


@router.get("/asyncapi.json")
async def read_document() -> Response:
    """The AsyncAPI 3 document."""
    return FileResponse(DIRECTORY / "asyncapi.json", media_type="application/vnd.aai.asyncapi+json;version=3.0.0")


@router.get("/schemas/{name}/{version}")
async def read_schema(name: str, version: str) -> Response:
    """The JSON Schema of an event, of the record, or of a public complaint, in a version."""
    path = _SCHEMAS.get(f"{name}.{version}")
    if path is None:
        raise UnknownStream(f"there is no schema of {name} in version {version}", hint="see /asyncapi.json")
    return FileResponse(path, media_type="application/schema+json")
