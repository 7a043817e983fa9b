"""The map from proposal to confirmation, by the real command; any change of it stops a migration."""

import json
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from service.mapped import default_mapping
from tests.process.stand_ins import Journey, journey, sizes
from tests.process.test_retry import change_map, told

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]
RICH = ["--rich", "--kobjects=40", "--tags=20"]


@contextmanager
def fake_model() -> Iterator[tuple[str, list[str]]]:
    """An endpoint that takes the first option of every question; what it was asked is kept."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            asked.append(body)
            questions = json.loads(json.loads(body)["messages"][-1]["content"])
            answer = {key: each["options"][0] for key, each in questions.items()}
            said = {"choices": [{"message": {"content": json.dumps(answer)}}]}
            data = json.dumps(said).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def put_default_map(run: Journey) -> Path:
    path = run.folder / "ferry" / "mapping.yaml"
    path.parent.mkdir(mode=0o700)
    path.write_text(default_mapping(), encoding="utf-8")
    return path


def values_of(run: Journey) -> set[str]:
    """Texts that records hold, long enough not to be part of a name by chance."""
    found: set[str] = set()
    for kind in ("customer", "company", "conversation", "kobject"):
        for record in run.source_records(kind).values():
            custom = record["attributes"].get("custom") or {}
            found |= {each for each in custom.values() if isinstance(each, str) and len(each) > 9}
    return found


def test_a_map_is_proposed_shown_confirmed_and_any_change_of_it_stops_migrate(
    tmp_path: Path,
) -> None:
    with journey(tmp_path, [*sizes(30, 60), *RICH]) as run, fake_model() as (url, asked):
        run.confirmed = True  # nobody confirms but this test
        mapping = put_default_map(run)
        change_map(run, "Origin:\n", "Origin:  # a remark of mine\n")
        with (tmp_path / "deskferry.yaml").open("a", encoding="utf-8") as config:
            config.write(f"map: {{language_model: {{base_url: '{url}', model: small}}}}\n")
        proposal = told(run, "map", "propose", code=0)
        assert proposal["disabled"] == ["kobject.warranty-claim"]
        assert "conversations.links" in proposal["phases"]
        assert len(proposal["lines"]) > 40
        assert proposal["warnings"] == []
        assert told(run, "migrate", code=3)["error"]["code"] == "map-unconfirmed"
        assert "# a remark of mine" in mapping.read_text(encoding="utf-8")
        (question,) = asked
        assert "options" in question
        assert not [each for each in values_of(run) if each in question]

        shown = told(run, "map", "show", code=0)
        page = Path(shown["path"])
        page = page if page.is_absolute() else tmp_path / page
        assert stat.S_IMODE(page.stat().st_mode) == 0o600
        told_page = page.read_text(encoding="utf-8") + json.dumps(shown)
        assert "ssn-" not in told_page
        assert "(hidden)" in told_page
        assert shown["faults"] == []

        assert told(run, "map", "confirm", code=2)["error"]["code"] == "usage-invalid"
        assert told(run, "map", "confirm", "--by=Ada", code=0)["by"] == "Ada"
        mapping.write_text(default_mapping(), encoding="utf-8")
        error = told(run, "migrate", code=3)["error"]
        assert error["code"] == "map-changed"
        assert "Ada" in error["message"]
        assert "phases.kobject.order" in error["message"] + json.dumps(
            told(run, "map", "diff", code=0)
        )

        told(run, "map", "confirm", "--by=Zoë", code=0)
        told(run, "migrate", code=5)  # users without a counterpart are held
        change_map(run, "email: Email\n", "email: Web\n")
        error = told(run, "migrate", code=3)["error"]
        assert "conversations.tables.Case.fields.Origin was changed" in error["message"]
        assert told(run, "retry", code=3)["error"]["code"] == "map-changed"
        difference = told(run, "map", "diff", code=0)
        assert difference["affected"] == {"conversations": ["Case"]}
        told(run, "map", "confirm", "--by=Zoë", code=0)
        only_the_affected_rows_are_sent(run)


def only_the_affected_rows_are_sent(run: Journey) -> None:
    """Cases that came by e-mail get the new origin; nothing else is written, and only once."""
    before = {row["Id"]: row for row in run.target_records("Case")}
    affected = {key for key, row in before.items() if row["Origin"] == "Email"}
    assert 0 < len(affected) < len(before)
    effects = len(run.effects())
    books = told(run, "migrate", code=5)["phases"]
    assert books["conversations"]["changed"] == len(affected)
    written = run.effects()[effects:]
    assert {(each["object"], each["op"]) for each in written} == {("Case", "update")}
    assert {each["id"] for each in written} == affected
    assert len(written) == len(affected)
    for row in run.target_records("Case"):
        was = before[row["Id"]]
        differing = {name for name in row if row[name] != was.get(name)}
        assert differing <= {"Origin", "LastModifiedDate", "SystemModstamp"}
        assert row["Origin"] == ("Web" if row["Id"] in affected else was["Origin"])
    again = told(run, "migrate", code=5)
    assert again["jobs_sent"] == 0
    assert len(run.effects()) == effects + len(affected)


def test_a_map_with_faults_is_not_confirmed_and_each_fault_has_its_line(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(20, 30)) as run:
        run.confirmed = True
        put_default_map(run)
        change_map(run, "          Fax: {convert", "          Fux: {convert")
        change_map(
            run,
            "          Kustomer_External_Id__c: {source: attributes.externalId}\n          Phone",
            "          Kustomer_External_Id__c: {source: attributes.custom.tierStr, "
            "convert: values, values: {nothing: x}}\n          Phone",
        )
        text = (tmp_path / "ferry" / "mapping.yaml").read_text(encoding="utf-8").splitlines()
        error = told(run, "map", "confirm", "--by=Ada", code=3)["error"]
        faults = error["message"].splitlines()
        wrong = [number for number, line in enumerate(text, 1) if line.startswith("          Fux:")]
        assert len(wrong) == 2
        assert any("has no target for" in each and "tierStr" in each for each in faults), faults
        for number in wrong:
            assert any(each.startswith(f"mapping.yaml:{number}: ") for each in faults), faults
        assert told(run, "migrate", code=3)["error"]["code"] == "map-unconfirmed"


def test_an_own_function_makes_cells_and_an_edited_one_must_be_confirmed_again(
    tmp_path: Path,
) -> None:
    with journey(tmp_path, sizes(20, 30)) as run:
        run.confirmed = True
        put_default_map(run)
        line = "Website: {source: attributes.domains, convert: website}"
        change_map(run, line, "Website: {source: attributes.domains, convert: 'python:mine:site'}")
        error = told(run, "map", "confirm", "--by=Ada", code=3)["error"]
        assert "python:mine:site: there is no module mine" in error["message"]
        assert error["message"].startswith("mapping.yaml:")
        folder = tmp_path / "ferry" / "functions"
        folder.mkdir()
        source = (
            "def site(value, record):\n"
            "    first = (value or [None])[0]\n"
            "    name = first.get('domain') if isinstance(first, dict) else first\n"
            "    return name and f'https://{name}/'\n"
        )
        (folder / "mine.py").write_text(source, encoding="utf-8")
        told(run, "map", "confirm", "--by=Ada", code=0)
        assert told(run, "migrate", code=5)["phases"]["companies"]["emptied"] == {}
        sites = {each.get("Website") for each in run.target_records("Account")} - {None}
        assert any(str(each).startswith("https://") and str(each).endswith("/") for each in sites)

        (folder / "mine.py").write_text(source + "# edited\n", encoding="utf-8")
        error = told(run, "migrate", code=3)["error"]
        assert (error["code"], "python:mine:site was changed" in error["message"]) == (
            "map-changed",
            True,
        )
        difference = told(run, "map", "diff", code=0)
        assert difference["affected"] == {"companies": ["Account"]}
        told(run, "map", "confirm", "--by=Ada", code=0)
        assert told(run, "migrate", code=5)["jobs_sent"] == 0
