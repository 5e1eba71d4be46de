"""Where lists come from, and how they are kept: a local HTTPS server in AWS's place, and a stubbed API."""

from __future__ import annotations

import json
import ssl
import stat
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import boto3  # type: ignore[import-untyped]
import pytest
from botocore.stub import Stubber  # type: ignore[import-untyped]

from cost import command
from cost.errors import CostError
from cost.prices.bulk import BulkLists, Limits
from cost.prices.query import QueriedLists
from cost.prices.services import Partition, partition_of
from cost.prices.store import Store, cache_directory
from local_servers.certificates import make_certificate
from tests.cost.offers import REGION, VERSION, Offer, elasticache, others, rds, service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ELASTICACHE = service("AmazonElastiCache")
INDEX = "/offers/v1.0/aws/AmazonElastiCache/current/region_index.json"
LIST = f"/offers/v1.0/aws/AmazonElastiCache/{VERSION}/{REGION}/index.json"
NEWER = "20261001000000"


@dataclass
class Answer:
    """What the server answers for a path."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Site:
    """A server in the place of AWS's price lists."""

    host: str = ""
    context: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def publish(self, offer: Offer) -> None:
        """Answer with a list, and with an index that names it as the newest."""
        root = f"/offers/v1.0/aws/{offer.service}"
        path = f"{root}/{offer.version}/{offer.region}/index.json"
        self.index(f"{root}/current/region_index.json", path)
        self.answers[path] = Answer(offer.content())

    def index(self, path: str, lists: str) -> None:
        """Answer with an index that names a list."""
        document = {
            "formatVersion": "v1.0",
            "disclaimer": "",
            "publicationDate": "2026-09-14T06:37:14Z",
            "regions": {REGION: {"regionCode": REGION, "currentVersionUrl": lists}},
        }
        self.answers[path] = Answer(json.dumps(document).encode())

    def lists(self, limits: Limits | None = None) -> BulkLists:
        """A reader of it."""
        return BulkLists(Partition(self.host, "aws", "USD"), limits, self.context)


@pytest.fixture(name="site")
def _site(tmp_path: Path) -> Iterator[Site]:
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append(self.path)
            answer = site.answers.get(self.path, Answer(b"", 404))
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            pass

    certificate = make_certificate(tmp_path)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate.certificate, certificate.key)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    site.host = f"localhost:{server.server_port}"
    site.context = ssl.create_default_context(cafile=str(certificate.certificate))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield site
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_list_is_read_when_its_version_is_newer(site: Site) -> None:
    """Not by its age, and not twice."""
    site.publish(elasticache())
    first = site.lists().newer(ELASTICACHE, REGION, None)
    assert first is not None
    assert (first.version, first.disclaimer, len(first.rows)) == (
        VERSION, "This pricing list is for informational purposes only.", 28,
    )  # fmt: skip

    assert site.lists().newer(ELASTICACHE, REGION, first.version) is None
    assert site.asked == [INDEX, LIST, INDEX]

    offer = elasticache()
    offer.version = NEWER
    site.publish(offer)
    newer = site.lists().newer(ELASTICACHE, REGION, first.version)
    assert newer is not None
    assert newer.version == NEWER


def test_rows_that_are_not_asked_for_are_left_out(site: Site) -> None:
    """Of a list of Amazon RDS, those of clusters with readable standbys."""
    site.publish(rds())
    found = site.lists().newer(service("AmazonRDS"), REGION, None)

    assert found is not None
    assert {row.attributes["deploymentOption"] for row in found.rows} == {"Single-AZ", "Multi-AZ"}
    assert {row.attributes.get("databaseEngine") for row in found.rows} == {"PostgreSQL", "MySQL", "Oracle", "Any"}


def _redirected(site: Site) -> None:
    site.answers["/elsewhere"] = site.answers[LIST]
    site.answers[LIST] = Answer(b"", 302, {"Location": f"https://{site.host}/elsewhere"})


def _index_elsewhere(site: Site) -> None:
    site.answers["/offers/v1.0/aws/AmazonRDS/20260914063714/eu-west-1/index.json"] = site.answers[LIST]
    site.index(INDEX, "/offers/v1.0/aws/AmazonRDS/20260914063714/eu-west-1/index.json")


def _other_region(site: Site) -> None:
    document = json.loads(site.answers[INDEX].body)
    document["regions"] = {"us-east-1": document["regions"][REGION]}
    site.answers[INDEX] = Answer(json.dumps(document).encode())


def _cut_off(site: Site) -> None:
    body = site.answers[LIST].body
    site.answers[LIST] = Answer(body[:-1], headers={"Content-Length": str(len(body)), "Connection": "close"})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_redirected, "it answers 302 Found"),
        (_index_elsewhere, "a list of AmazonElastiCache in eu-west-1 is below /offers/v1.0/aws/AmazonElastiCache"),
        (_other_region, "AmazonElastiCache in eu-west-1: the index lists 1 Regions and not this one"),
        (_cut_off, "it ends after "),
        (lambda site: site.answers.pop(LIST), "it answers 404 Not Found"),
        (lambda site: site.answers.update({INDEX: Answer(b"[]")}), "it has not the documented form (TypeError("),
        (lambda site: site.answers.update({LIST: Answer(b"<html>")}), "it is no JSON or is cut off"),
    ],
)
def test_an_answer_that_cannot_be_used_is_refused(site: Site, change: Callable[[Site], None], said: str) -> None:
    """The host and the path are fixed, and a list is whole."""
    site.publish(elasticache())
    change(site)

    with pytest.raises(CostError) as refused:
        site.lists().newer(ELASTICACHE, REGION, None)

    assert said in str(refused.value)
    assert "/elsewhere" not in site.asked


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(list_bytes=1024), "it has more than 0 MB"),
        (Limits(index_bytes=10), "it has more than 0 MB"),
        (Limits(total_seconds=-1), "it takes longer than -1 s"),
    ],
)
def test_reading_is_bounded(site: Site, limits: Limits, said: str) -> None:
    """In bytes and in seconds."""
    site.publish(elasticache())

    with pytest.raises(CostError, match=said):
        site.lists(limits).newer(ELASTICACHE, REGION, None)


def test_the_certificate_is_verified(site: Site) -> None:
    """An authority that the system does not know is refused."""
    site.publish(elasticache())

    with pytest.raises(CostError, match="CERTIFICATE_VERIFY_FAILED"):
        BulkLists(Partition(site.host, "aws", "USD")).newer(ELASTICACHE, REGION, None)


def test_the_api_has_rows_that_no_file_has() -> None:
    """Dashboards belong to no Region, and NAT gateways are in a list that is too large."""
    client = boto3.client("pricing", "us-east-1", aws_access_key_id="none", aws_secret_access_key="none")
    watch = next(each for each in others() if each.service == "AmazonCloudWatch")
    items = watch.items()
    with Stubber(client) as stub:
        for filters, page, more in (
            ([("regionCode", REGION)], items[:3], {"NextToken": "more"}),
            ([("regionCode", REGION)], items[3:-2], {}),
            ([("productFamily", "Dashboard"), ("location", "Any")], items[-2:], {}),
        ):
            expected: dict[str, Any] = {
                "ServiceCode": "AmazonCloudWatch",
                "FormatVersion": "aws_v1",
                "Filters": [{"Type": "TERM_MATCH", "Field": name, "Value": value} for name, value in filters],
            }
            if page == items[3:-2]:
                expected["NextToken"] = "more"
            stub.add_response("get_products", {"FormatVersion": "aws_v1", "PriceList": page, **more}, expected)
        found = QueriedLists(partition_of(REGION), client).newer(service("AmazonCloudWatch"), REGION, VERSION)

    assert {row.usage for row in found.rows} >= {"EU-CW:AlarmMonitorUsage", "DashboardsUsageHour-Basic"}
    assert found.version == VERSION


def test_the_api_refuses() -> None:
    """The message names the permission."""
    client = boto3.client("pricing", "us-east-1", aws_access_key_id="none", aws_secret_access_key="none")
    stub = Stubber(client)
    stub.add_client_error("get_products", "AccessDeniedException")
    with stub, pytest.raises(CostError, match="Allow pricing:GetProducts"):
        QueriedLists(partition_of(REGION), client).newer(ELASTICACHE, REGION, None)


def test_a_list_is_kept_for_the_user_alone(tmp_path: Path) -> None:
    """What is kept is what was read, and the file replaces the one before it whole."""
    store, prices = Store(tmp_path / "cache"), elasticache().kept()
    assert store.kept("AmazonElastiCache", REGION) is None

    file = store.keep(prices)
    store.keep(prices)

    assert store.kept("AmazonElastiCache", REGION) == prices
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert list(file.parent.iterdir()) == [file]


def test_a_list_that_cannot_be_written_leaves_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No part of it is left behind."""
    store, prices = Store(tmp_path), elasticache().kept()
    file = store.keep(prices)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cost.prices.store.os.fsync", full)
    with pytest.raises(CostError, match="it is not writable"):
        store.keep(rds().kept())

    assert list(tmp_path.iterdir()) == [file]


def _another_price(text: str) -> str:
    return text.replace("0.2430", "0.0243", 1)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[: len(text) // 2],
        lambda text: text[:-1],
        lambda _: "",
        lambda _: "{}",
        lambda text: text.replace('"format": 1', '"format": 2'),
        _another_price,
    ],
)
def test_a_file_that_is_not_whole_is_refused(tmp_path: Path, change: Callable[[str], str]) -> None:
    """Half of a list would be a table of unknown prices, or of wrong ones."""
    store = Store(tmp_path)
    file = store.keep(elasticache().kept())
    changed = change(file.read_text())
    assert changed != file.read_text()
    file.write_text(changed)

    with pytest.raises(CostError, match="it is no whole price list"):
        store.all_kept(REGION)


def test_a_list_under_the_name_of_another_is_refused(tmp_path: Path) -> None:
    """The Region of the file's name is that of its prices."""
    file = Store(tmp_path).keep(elasticache("us-east-1").kept())
    file.rename(tmp_path / f"AmazonElastiCache.{REGION}.json")

    with pytest.raises(CostError, match="it is the list of AmazonElastiCache in us-east-1"):
        Store(tmp_path).all_kept(REGION)


@pytest.mark.parametrize(
    ("named", "system", "expected"),
    [
        ("/caches", "linux", "/caches/elasticache-prices"),
        ("caches", "linux", ".cache/elasticache-prices"),
        ("", "darwin", "Library/Caches/elasticache-prices"),
    ],
)
def test_the_cache_is_the_users(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, named: str, system: str, expected: str
) -> None:
    """A relative folder is ignored."""
    monkeypatch.setenv("XDG_CACHE_HOME", named)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", system)

    assert cache_directory() == tmp_path / expected  # an absolute path stays as it is


def test_the_command_keeps_what_it_can_read(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One service that does not answer costs no other list, and what is kept of it stays."""
    offers = [elasticache(), rds(), *others()]
    for offer in offers:
        site.publish(offer)
    monkeypatch.setattr(command, "BulkLists", lambda _: site.lists())
    arguments = ["prices", "--region", REGION, "--cache", str(tmp_path)]
    assert command.main(arguments) == 0
    assert "AmazonEC2: its list is too large to read whole; ARGS=--api asks" in capsys.readouterr().out

    site.answers = {path: answer for path, answer in site.answers.items() if "/AmazonElastiCache/" not in path}
    assert command.main(arguments) == 2

    output = capsys.readouterr()
    assert f"AmazonRDS: {VERSION}, as it was\n" in output.out
    assert output.err.startswith(f"error: https://{site.host}{INDEX}: it answers 404")
    assert set(Store(tmp_path).all_kept(REGION)) == {each.service for each in offers} - {"AmazonEC2"}


def test_offline_says_that_the_table_needs_no_network(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A port where no server is."""
    with pytest.raises(CostError, match=r"Check the network and the proxy; make cost needs neither"):
        BulkLists(Partition("localhost:1", "aws", "USD")).newer(ELASTICACHE, REGION, None)

    # Once, and not for each list.
    monkeypatch.setattr(command, "BulkLists", lambda _: BulkLists(Partition("localhost:1", "aws", "USD")))
    assert command.main(["prices", "--region", REGION, "--cache", str(tmp_path)]) == 2
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert ["error: https://localhost:1: it is not reachable"] == [line.partition(" (")[0] for line in said]

    assert command.main(["prices", "--cache", str(tmp_path)]) == 2
    assert "Name one: REGION=eu-west-1" in capsys.readouterr().err
