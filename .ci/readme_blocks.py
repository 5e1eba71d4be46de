"""Run what both READMEs and `docs/own-app.md` show with another Python, which has the wheels and no checkout.

python .ci/readme_blocks.py PYTHON
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from elasticache_client import ConnectionSettings
from local_servers import memcached
from local_servers.certificates import HOST, make_certificate
from local_servers.nodes import Node, valkey_server
from local_servers.processes import MissingProgramError
from tests.client.memcached.servers import Endpoint, Server, reply, says

ROOT = Path(__file__).parents[1]
EVERYTHING = "on nopass ~* &* +@all"

Block = tuple[dict[str, str], str]
"""Environment variables, and the code that runs with them."""

RUN = """
import json, os, sys
namespace = {}
for variables, code in json.load(sys.stdin):
    os.environ.update(variables)
    exec(compile(code, sys.argv[1], "exec"), namespace)
for package in ("elasticache_client", "elasticache_constructs"):
    module = sys.modules.get(package)
    assert module is None or module.__file__.startswith(sys.prefix), module.__file__
"""
STACK = 'import aws_cdk as cdk\ndocumented = cdk.App()\nstack = cdk.Stack(documented, "Documented")\n'


def blocks(document: Path) -> list[str]:
    """The Python blocks of a document, in their order."""
    return re.findall(r"^```python\n(.*?)^```", document.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def run(python: str, document: Path, given: list[Block]) -> None:
    """Run blocks in one namespace, in an empty folder.

    Args:
        python: The other Python.
        document: Where the blocks are from.
        given: The blocks.

    Raises:
        subprocess.CalledProcessError: If one fails.
    """
    name = str(document.relative_to(ROOT))
    node = Path(sys.executable).parent
    environment = {"PATH": f"{node}{os.pathsep}{os.environ['PATH']}", "HOME": os.environ.get("HOME", "/")}
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [python, "-P", "-c", RUN, name],
            input=json.dumps(given),
            cwd=folder,
            env=environment,
            text=True,
            check=True,
        )
    sys.stdout.write(f"{name}: {len(given)} blocks run from the wheel\n")


def of_the_client(stack: ExitStack) -> list[Block]:
    """The blocks of the client's README, each with the variables of the server that it needs."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    node = Node(valkey_server(), folder, default_user=EVERYTHING)
    stack.callback(node.stop)
    engine = ConnectionSettings(engine="valkey", host=HOST, port=node.port, tls=False, mode="standalone", auth="none")
    found: list[Block] = []
    for code in blocks(ROOT / "client" / "README.md"):
        if "import memcached" not in code:
            found.append((engine.to_environment(), code))
            continue
        try:
            memcached.memcached()
        except MissingProgramError as error:
            if os.environ.get("CI"):
                raise
            sys.stderr.write(f"The block of Memcached is left out: {error}\n")
            continue
        found.append((memcached_cluster(stack, folder), code))
    return found


def memcached_cluster(stack: ExitStack, folder: Path) -> dict[str, str]:
    """The variables of a Memcached cluster of one node, with a certificate that its clients trust."""
    certificate = make_certificate(folder, with_address=False)
    os.environ["SSL_CERT_FILE"] = str(certificate.certificate)
    server, endpoint = Server(certificate), Endpoint(certificate)
    stack.callback(server.stop)
    stack.callback(endpoint.stop)
    endpoint.answer = says(reply(1, server.name))
    settings = ConnectionSettings(
        engine="memcached", host=HOST, port=endpoint.port, tls=True, mode="standalone", auth="none"
    )
    return {**settings.to_environment(), "SSL_CERT_FILE": str(certificate.certificate)}


def main() -> int:
    """Run the three documents.

    Returns:
        0, or 1 if a block fails.
    """
    python = sys.argv[1]
    try:
        for document in (ROOT / "README.md", ROOT / "docs" / "own-app.md"):
            run(python, document, [({}, code) for code in (STACK, *blocks(document), "documented.synth()\n")])
        with ExitStack() as stack:
            run(python, ROOT / "client" / "README.md", of_the_client(stack))
    except subprocess.CalledProcessError as error:
        return error.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
