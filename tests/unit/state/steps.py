"""A ledger's steps with what a test does not care about filled in."""

from state.ledger import Ledger, Tx
from state.spool import SpoolFile


async def seal_batch(
    ledger: Ledger,
    tx: Tx,
    file: SpoolFile,
    *,
    phase: str = "notes",
    kind: str = "note",
    object: str = "CaseComment",
    lane: int = 0,
    rows: int = 3,
) -> int:
    return await ledger.batches.seal(
        tx,
        phase=phase,
        kind=kind,
        object=object,
        lane=lane,
        rows=rows,
        size_bytes=file.size_bytes,
        file=file.name,
        crc=file.crc,
    )


async def intend_insert(
    ledger: Ledger,
    tx: Tx,
    *,
    phase: str = "notes",
    object: str = "CaseComment",
    rows_sent: int = 3,
    aside: bytes = b"{}",
) -> int:
    return await ledger.jobs.intend(
        tx,
        phase=phase,
        object=object,
        operation="insert",
        lane=0,
        rows_sent=rows_sent,
        aside=aside,
    )
