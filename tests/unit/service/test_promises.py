"""The page of promises names tests; each of them must be there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
NAMED = re.compile(r"`(test_\w+\.py)?(?:::(test_\w+))?`")


def named() -> list[tuple[str, str]]:
    """(file, test) as the page names them; a test without file belongs to the row's last one."""
    found = []
    for line in (ROOT / "docs" / "promises.md").read_text(encoding="utf-8").splitlines():
        file = ""
        for match in NAMED.finditer(line):
            file = match[1] or file
            if match[1] or match[2]:
                found.append((file, match[2] or ""))
    return found


def test_the_page_names_tests() -> None:
    assert len(named()) > 40
    assert all(file for file, _ in named())


@pytest.mark.parametrize(("file", "test"), sorted(set(named())))
def test_every_test_that_the_page_of_promises_names_is_there(file: str, test: str) -> None:
    paths = list((ROOT / "tests").rglob(file))
    assert any(f"def {test}" in path.read_text(encoding="utf-8") for path in paths)
