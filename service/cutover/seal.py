"""The sealed reports of a finished cutover: read-only, with digests that tell whether they hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from service.config import Config
from service.cutover.facts import CutoverFacts
from service.cutover.in_flight import Flight
from service.cutover.record import CutoverRecord
from service.report.cutover_page import write_cutover
from service.report.facts import ReportFacts
from service.report.write import put_file, write_report
from state.plain import plain_errors

SEALED_MODE = 0o400
SUMS = "SHA256SUMS"


@dataclass(frozen=True)
class SealLook:
    """Whether the sealed files are as they were; `changed` names those that are not, or are gone."""

    folder: Path
    changed: Sequence[str]


def look_at_seal(config: Config, record: CutoverRecord) -> SealLook | None:
    """Compare the sealed files with the digests in the ledger; None before the switch."""
    if record.seal is None:
        return None
    folder = config.workspace / "reports" / record.seal.folder
    now = _digests(folder, list(record.seal.digests))
    changed = [name for name, each in record.seal.digests.items() if now.get(name) != each]
    return SealLook(folder, changed)


def write_sealed(
    facts: CutoverFacts, flights: Sequence[Flight], report: ReportFacts, folder: Path, name: str
) -> Mapping[str, str]:
    """Write the sealed files into `folder`/`name`, and the page beside them; returns digests by name.

    Writing them again after a crash replaces them. Raises `DiskFull`, `WorkspaceUnusable`.
    """
    sealed = folder / name
    write_cutover(facts, flights, folder)
    write_cutover(facts, flights, sealed)
    write_report(report, sealed)
    with plain_errors():
        names = sorted(each.name for each in sealed.iterdir() if each.name != SUMS)
        digests = _digests(sealed, names)
        sums = "".join(f"{digest}  {each}\n" for each, digest in digests.items())
        put_file(sealed / SUMS, sums.encode())
        for each in (*names, SUMS):
            (sealed / each).chmod(SEALED_MODE)
    return digests


def _digests(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """Digests by name of those files that can be read."""
    found = {}
    for name in names:
        try:
            found[name] = sha256((folder / name).read_bytes()).hexdigest()
        except OSError:
            continue
    return found
