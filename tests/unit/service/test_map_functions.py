"""The operator's own functions: found beside the map, refused with a reason, and confirmed."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from service.config import Config
from service.confirm import (
    MapChanged,
    edited_functions,
    function_facts,
    map_changes,
    refuse_unconfirmed,
)
from service.map_facts import map_digest
from service.map_functions import FOLDER, Functions, digests_of, load_functions
from service.mapped import MAPPING_FILE, default_mapping, text_digest
from state.confirmations import Confirmation
from state.ledger import Ledger
from transforms.map_diff import affected
from transforms.mapping import Mapping, parse_mapping

LINE = "Website: {source: attributes.domains, convert: website}"


def map_with(convert: str) -> str:
    text = default_mapping()
    assert LINE in text
    return text.replace(LINE, f"Website: {{source: attributes.domains, convert: '{convert}'}}")


def beside(folder: Path, source: str, name: str = "mine") -> Config:
    (folder / FOLDER).mkdir(exist_ok=True)
    (folder / FOLDER / f"{name}.py").write_text(source, encoding="utf-8")
    return Config.model_construct(workspace=folder)


def loaded(folder: Path, source: str, function: str = "mine:f") -> Functions:
    return load_functions(beside(folder, source), parsed(map_with(f"python:{function}")))


def parsed(text: str) -> Mapping:
    return parse_mapping(text, "m")


def test_a_function_beside_the_map_is_run_from_the_text_that_its_digest_is_of(
    tmp_path: Path,
) -> None:
    first = loaded(tmp_path, "def f(value, record): return 'one'\n")
    second = loaded(tmp_path, "def f(value, record): return 'two'\n")
    assert [each.found["mine:f"](None, {}) for each in (first, second)] == ["one", "two"]
    assert first.digests != second.digests
    assert not list((tmp_path / FOLDER).glob("__pycache__"))


def test_a_function_of_an_installed_module_is_found_and_has_a_digest(tmp_path: Path) -> None:
    config = Config.model_construct(workspace=tmp_path)
    found = load_functions(config, parsed(map_with("python:json.encoder:py_encode_basestring")))
    (fault,) = found.faults.values()
    assert fault == "it does not take two arguments, (value, record)"
    found = load_functions(config, parsed(map_with("python:shutil:copyfile")))
    assert not found.faults
    assert len(found.digests["shutil:copyfile"]) == 64


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("", "mine has no f"),
        ("f = 3", "it is not callable"),
        ("def f(value): ...", "it does not take two arguments, (value, record)"),
        ("def f(value, record, *, more): ...", "it does not take two arguments, (value, record)"),
        ("async def f(value, record): ...", "it must be a plain function"),
        ("def f(:", "its module is no Python (line 1)"),
        ("import nowhere_at_all", "there is no module nowhere_at_all"),
        ("raise SystemExit('secret')", "its module ends with SystemExit when imported"),
        ("1 / 0", "its module ends with ZeroDivisionError when imported"),
    ],
)
def test_what_cannot_be_called_is_told_without_running_a_migration(
    tmp_path: Path, source: str, fault: str
) -> None:
    found = loaded(tmp_path, source)
    assert (dict(found.faults), dict(found.found)) == ({"mine:f": fault}, {})


def test_a_module_that_is_nowhere_is_told(tmp_path: Path) -> None:
    assert loaded(tmp_path, "", "other:f").faults == {"other:f": "there is no module other"}
    assert (
        digests_of(Config.model_construct(workspace=tmp_path), parsed(map_with("python:x9:f")))
        == {}
    )


def test_an_edited_function_is_another_map_and_its_rows_are_affected(tmp_path: Path) -> None:
    text = map_with("python:mine:f")
    mapping = parsed(text)
    config = beside(tmp_path, "def f(value, record): return 'one'\n")
    before = digests_of(config, mapping)
    known = Confirmation(
        1,
        map_digest(mapping, before),
        text,
        orjson.dumps(function_facts(before)).decode(),
        "{}",
        "Ada",
        9.0,
    )
    assert map_changes(known, mapping, before) == []
    beside(tmp_path, "def f(value, record): return 'two'\n")
    now = digests_of(config, mapping)
    assert map_changes(known, mapping, now) == ["python:mine:f was changed"]
    assert edited_functions(known, {}) == ["mine:f"]
    assert affected(mapping, mapping, ["python:mine:f"]) == {"companies": frozenset({"Account"})}
    assert affected(mapping, mapping) == {}
    assert text_digest(text, before) != text_digest(text, now) != text_digest(text)
    assert map_digest(mapping, {}) == map_digest(mapping)


async def test_migrate_refuses_a_map_of_which_a_function_was_edited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = map_with("python:mine:f")
    config = beside(tmp_path, "def f(value, record): return 'one'\n")
    digests = digests_of(config, parsed(text))

    async def nothing(*_: Any) -> Any:
        return SimpleNamespace(kinds={})

    async def no_shape(*_: Any) -> Any:
        return {}

    monkeypatch.setattr("service.confirm.read_source_schema", nothing)
    monkeypatch.setattr("service.confirm.read_shape", no_shape)
    monkeypatch.setattr("service.confirm.target_facts", lambda *_: {})
    org: Any = SimpleNamespace()
    async with Ledger.open(tmp_path, clock=lambda: 9.0) as ledger:
        (tmp_path / MAPPING_FILE).write_text(text, encoding="utf-8")
        async with ledger.write() as tx:
            await ledger.confirmations.confirm(
                tx,
                digest=map_digest(parsed(text), digests),
                text=text,
                source=orjson.dumps(function_facts(digests)).decode(),
                target="{}",
                by="Ada",
            )
        await refuse_unconfirmed(config, ledger, org, org)
        beside(tmp_path, "def f(value, record): return 'two'\n")
        with pytest.raises(MapChanged, match="python:mine:f was changed"):
            await refuse_unconfirmed(config, ledger, org, org)
