"""What `deskferry discover` prints with `--json`."""

from service.discover.facts import DiscoverFacts


class DiscoverDocument(DiscoverFacts):
    """`deskferry discover`. `path`: the page; `discover.json` beside it holds the same facts."""

    path: str
    exit_code: int
