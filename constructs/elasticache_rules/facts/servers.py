"""Record what commands and categories real servers have.

    python -m elasticache_rules.facts.servers redis-server valkey-server            # show the difference
    python -m elasticache_rules.facts.servers redis-server valkey-server --write    # take it over

Each program is started on a separate socket, queried, and stopped. Versions of which no program is given keep what is
on record. Exits with 0 when the catalogue agrees or was written, with 1 when it differs, and with 2 when a server
cannot be asked.
"""

from __future__ import annotations

import argparse
import json
import math
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elasticache_rules.facts.command_sets import unpacked
from elasticache_rules.facts.engines import engine_versions
from elasticache_rules.facts.records import DATA
from elasticache_rules.facts.versions import version_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SAME, DIFFERENT, UNREADABLE = 0, 1, 2
_START_SECONDS, _BETWEEN_SECONDS = 10.0, 0.05
_NAME, _CATEGORIES, _SUBCOMMANDS = 0, 6, 9


def main(arguments: list[str] | None = None) -> int:
    """Show the difference, write it when asked to, and say with the exit code how it went."""
    parser = argparse.ArgumentParser(prog="python -m elasticache_rules.facts.servers", description=__doc__)
    parser.add_argument("programs", nargs="+", help="redis-server, valkey-server or a path to one")
    parser.add_argument("--write", action="store_true", help="take the difference over into the catalogue")
    asked = parser.parse_args(arguments)
    path = DATA / "commands.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    known = {(each["engine"], each["version"]): each for each in unpacked(content["versions"])}
    try:
        servers = [asked_of(program) for program in asked.programs]
    except OSError as fault:
        sys.stderr.write(f"error: {fault}\n")
        return UNREADABLE
    found = {**told(servers, known), **{(each.engine, each.version): each.record for each in servers}}
    changed = [key for key, each in found.items() if each["commands"] != known.get(key, {}).get("commands")]
    for engine, version in changed:
        sys.stdout.write(f"~ {engine} {version}\n")
    if not changed:
        sys.stdout.write("The catalogue agrees with these servers.\n")
        return SAME
    if not asked.write:
        sys.stdout.write("The catalogue differs. To take this over, add --write and review the diff.\n")
        return DIFFERENT
    content["versions"] = packed({**known, **found})
    path.write_text(f"{json.dumps(content, indent=1)}\n", encoding="utf-8")
    return SAME


@dataclass(frozen=True)
class Server:
    """What a server says of itself."""

    engine: str
    exact: str
    commands: dict[str, str]
    """The categories of each command."""
    since: dict[str, str]
    """The version that each command came with, where the server documents them."""

    @property
    def version(self) -> str:
        """As ElastiCache writes it."""
        return ".".join(self.exact.split(".")[:2])

    @property
    def record(self) -> dict[str, Any]:
        """What is kept of it."""
        return _record(self.engine, self.version, f"{self.engine}-server {self.exact}", self.commands)


def asked_of(program: str) -> Server:
    """Start a server, ask it, and stop it.

    Raises:
        OSError: If it does not start, or does not answer.
    """
    with tempfile.TemporaryDirectory() as directory:
        path = str(Path(directory) / "s")
        command = [program, "--port", "0", "--unixsocket", path, "--save", "", "--dir", directory]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            with _connection(path, process) as stream:
                info = dict(line.split(":", 1) for line in _ask(stream, "INFO", "server").splitlines() if ":" in line)
                engine = "valkey" if "valkey_version" in info else "redis"
                commands = dict(_flattened(_ask(stream, "COMMAND")))
                since = dict(_first_versions(_ask(stream, "COMMAND", "DOCS"))) if engine == "valkey" else {}
                return Server(engine, info[f"{engine}_version"], commands, since)
        finally:
            process.terminate()
            process.wait()


def told(
    servers: list[Server], known: Mapping[tuple[str, str], dict[str, Any]]
) -> dict[tuple[str, str], dict[str, Any]]:
    """Versions without a server, from what the next newer Valkey documents of its commands."""
    found = {}
    for version in engine_versions("valkey"):
        newer = [each for each in servers if each.since and version_key(each.version) > version_key(version)]
        if ("valkey", version) in known or any(each.version == version for each in servers) or not newer:
            continue
        server = min(newer, key=lambda each: version_key(each.version))
        limit = (*version_key(version), math.inf)
        then = {name: of for name, of in server.commands.items() if version_key(server.since[name]) < limit}
        source = f"valkey-server {server.exact}, without the commands that it documents as newer"
        found["valkey", version] = _record("valkey", version, source, then)
    return found


def packed(known: Mapping[tuple[str, str], dict[str, Any]]) -> list[dict[str, Any]]:
    """Each version by what changed since the one before it: Redis first, then Valkey, which began as Redis 7.2."""
    written: list[dict[str, Any]] = []
    before: dict[str, str] = {}
    for engine, version in sorted(known, key=lambda key: (key[0], version_key(key[1]))):
        each = known[engine, version]
        commands = each["commands"]
        changes = {name: commands[name] for name in sorted(commands) if commands[name] != before.get(name)}
        gone = sorted(before.keys() - commands.keys())
        written.append({**each, "commands": changes, **({"gone": gone} if gone else {})})
        before = commands
    return written


def _record(engine: str, version: str, source: str, commands: dict[str, str]) -> dict[str, Any]:
    return {"engine": engine, "version": version, "from": source, "commands": dict(sorted(commands.items()))}


def _flattened(reply: list[Any]) -> Iterator[tuple[str, str]]:
    for each in reply:
        yield each[_NAME], " ".join(sorted(category.lstrip("@") for category in each[_CATEGORIES]))
        yield from _flattened(each[_SUBCOMMANDS] if len(each) > _SUBCOMMANDS else [])


def _first_versions(reply: list[Any]) -> Iterator[tuple[str, str]]:
    for name, about in zip(reply[::2], reply[1::2], strict=True):
        facts = dict(zip(about[::2], about[1::2], strict=True))
        yield name, facts["since"]
        yield from _first_versions(facts.get("subcommands", []))


def _connection(path: str, process: subprocess.Popen[bytes]) -> Any:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        with socket.socket(socket.AF_UNIX) as connection:
            try:
                connection.connect(path)
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise
            else:
                # It stays open until the file is closed.
                return connection.makefile("rwb")
        time.sleep(_BETWEEN_SECONDS)


def _ask(stream: Any, *words: str) -> Any:
    stream.write(f"{' '.join(words)}\r\n".encode())
    stream.flush()
    return _reply(stream)


def _reply(stream: Any) -> Any:
    """One reply, as RESP2 has them: https://valkey.io/topics/protocol/."""
    kind, rest = chr(stream.read(1)[0]), stream.readline().decode().strip()
    match kind:
        case "$":
            return stream.read(int(rest) + 2)[:-2].decode() if int(rest) >= 0 else None
        case "*":
            return [_reply(stream) for _ in range(int(rest))]
        case "-":
            raise OSError(f"the server answered {rest!r}")
        case _:
            return rest


if __name__ == "__main__":
    sys.exit(main())
