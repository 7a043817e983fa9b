"""The share of the request budget that extraction uses, over real sockets and a real window."""

from pathlib import Path

import pytest

from tests.process.stand_ins import journey, sizes

pytestmark = [pytest.mark.process, pytest.mark.large, pytest.mark.timeout(300)]

LIMIT, SHARE = 100, 0.7


def test_the_allowed_share_is_used_and_no_429_is_caused(tmp_path: Path) -> None:
    """1,000 requests per 60 s, emulated as 100 per 6 s: 70 of them are ours."""
    options = [each for each in sizes(4_000, 30_000) if not each.startswith("--rate-limit")]
    options += [f"--rate-limit={LIMIT}", "--rate-window=6"]
    with journey(tmp_path, options) as run:
        run.configure(share=SHARE)
        code, _, err = run.run("migrate")
        assert code == 5, err
        told = run.stats(run.source)["requests"]
        print(told)  # noqa: T201
        assert told["refused"] == 0
        full = told["windows"][2:-1]  # the first windows are learning, the last is cut short
        assert len(full) >= 3
        used = sum(full) / (len(full) * LIMIT * SHARE)
        assert 0.95 <= used <= 1.0, told
