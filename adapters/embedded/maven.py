"""Kafka's jars, from the Maven repository that this machine uses: downloaded once, then cached."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

from adapters.embedded.process import ServicesError, nothing

KAFKA_VERSION = "4.3.1"
WAIT_FOR_OTHER = 900.0
_LOGGING = ("org.apache.logging.log4j", "log4j-slf4j-impl")


def default_cache() -> Path:
    """The user's cache directory for this program."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "complaint-ledger"


def kafka_jars(cache_dir: Path, report: Callable[[str], None], check: Callable[[], None] = nothing) -> list[Path]:
    """The class path of the Kafka broker, downloaded into `cache_dir` when it is not there yet.

    A directory of jars gets its final name only when it is complete, so an interrupted download leaves
    nothing that could be taken for one. `check` is called between files and may raise in order to interrupt.
    Raises ServicesError when the download is impossible.
    """
    ready = cache_dir / f"kafka-{KAFKA_VERSION}"
    if not ready.is_dir():
        # Every command would wait for this import, and a machine needs it once.
        from requests import RequestException

        try:
            cache_dir.mkdir(parents=True, exist_ok=True)
            with _only_one(cache_dir / "download.lock", report, check):
                if not ready.is_dir():
                    _download(ready, report, check)
        except (RequestException, RuntimeError, ElementTree.ParseError) as error:
            raise ServicesError(
                f"Kafka {KAFKA_VERSION} is needed once from {_repository()} and cannot be downloaded: "
                f"{_cause(error)}; connect this machine to the network (HTTPS_PROXY and the mirrors of "
                "~/.m2/settings.xml are used), or set COMPLAINTS_KAFKA_BOOTSTRAP to a broker of yours"
            ) from error
        except (OSError, zipfile.BadZipFile) as error:
            raise ServicesError(
                f"Kafka {KAFKA_VERSION} cannot be stored in {cache_dir}: {error}; "
                "make room there, or set XDG_CACHE_HOME to another directory"
            ) from error
    return sorted(ready.glob("*.jar"))


def _download(ready: Path, report: Callable[[str], None], check: Callable[[], None]) -> None:
    from jgo.constants import default_maven_repo
    from jgo.maven import Dependency, MavenContext, PythonResolver

    part = ready.with_name(f"{ready.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    (part / "jars").mkdir(parents=True)

    @contextmanager
    def watch(name: str, size: int) -> Iterator[Callable[[int], None]]:
        check()
        yield lambda received: check()

    report("finding the files of Kafka (once)")
    usual = default_maven_repo()
    context = MavenContext(
        resolver=PythonResolver(progress_callback=watch),
        repo_cache=part / "repository",
        local_repos=[usual] if usual.is_dir() else [],
        remote_repos={"central": _repository()},
        timeout=30,
    )
    broker = context.project("org.apache.kafka", "kafka_2.13").at_version(KAFKA_VERSION).artifact()
    inputs, others = context.resolver.resolve([Dependency(broker)])
    artifacts = [dependency.artifact for dependency in (*inputs, *others)]
    # The broker's dependencies have no binding for its log messages: Kafka adds this one when it is packaged.
    log4j = next(artifact.version for artifact in artifacts if artifact.artifactId == "log4j-core")
    artifacts.append(context.project(*_LOGGING).at_version(log4j).artifact())
    for done, artifact in enumerate(artifacts):
        report(f"downloading Kafka ({len(artifacts)} files, once): {done}/{len(artifacts)}")
        check()
        jar = artifact.resolve()
        with zipfile.ZipFile(jar) as archive:
            if damaged := archive.testzip():
                raise zipfile.BadZipFile(f"{damaged} in {jar.name} is damaged")
        shutil.copyfile(jar, part / "jars" / jar.name)
    os.sync()
    (part / "jars").rename(ready)
    shutil.rmtree(part, ignore_errors=True)


@contextmanager
def _only_one(path: Path, report: Callable[[str], None], check: Callable[[], None]) -> Iterator[None]:
    deadline = time.monotonic() + WAIT_FOR_OTHER
    with path.open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise ServicesError(
                        f"another program has been downloading Kafka for {WAIT_FOR_OTHER:.0f} seconds "
                        f"(it holds {path}); end it and try again"
                    ) from None
                report("waiting for another program that downloads Kafka")
                check()
                time.sleep(0.1)
        yield


def _repository() -> str:
    """The URL of the mirror of Central in Maven's settings (the user's or the machine's), else of Central."""
    for settings in (Path.home() / ".m2" / "settings.xml", Path("/etc/maven/settings.xml")):
        try:
            root = ElementTree.parse(settings).getroot()
        except (OSError, ElementTree.ParseError):
            continue
        for mirror in root.iterfind(".//{*}mirror"):
            names = {name.strip() for name in (mirror.findtext("{*}mirrorOf") or "").split(",")}
            url = (mirror.findtext("{*}url") or "").strip()
            blocked = (mirror.findtext("{*}blocked") or "").strip() == "true"
            if url and not blocked and "!central" not in names and names & {"*", "central", "external:*"}:
                return url.rstrip("/")
    from jgo.constants import MAVEN_CENTRAL_URL

    return MAVEN_CENTRAL_URL


def _cause(error: BaseException) -> str:
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return str(error)
