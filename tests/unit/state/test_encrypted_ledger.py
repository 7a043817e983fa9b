"""A workspace with a key: nothing readable in it, and no other key opens it."""

from pathlib import Path

import pytest

from state.cipher import Cipher, SpoolKeyMissing, SpoolKeyTooLate, SpoolKeyWrong
from state.conflicts import Conflict, PreImage
from state.errors import StateDamaged, StateError
from state.ledger import Ledger
from state.rows import RowEntry
from state.spool import BatchColumns, Spool
from tests.unit.state.columns import columns
from tests.unit.state.steps import intend_insert, seal_batch

KEY = bytes(range(32))
CANARY = "canary-sings-in-the-mine"
ID = "66f0a1b2c3d4e5f601020301"


def clock() -> float:
    return 1_700_000_000.0


def canary_columns() -> BatchColumns:
    made = columns(3)
    made.payloads[1] = f'"{CANARY}"'.encode()
    made.parents[-1][1] = f"{CANARY}.example"
    return made


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def lasting(folder: Path) -> dict[str, bytes]:
    """All files but those that SQLite keeps beside its own."""
    found = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {name: data for name, data in found.items() if not name.startswith("state.sqlite-")}


async def fill(ledger: Ledger) -> None:
    file = ledger.spool.write("x", canary_columns())
    held = RowEntry("notes", ID, 0, "held", "r", "f", "", CANARY.encode())
    async with ledger.write() as tx:
        await ledger.facts.set(tx, "salesforce_org", "00D")
        batch = await seal_batch(ledger, tx, file)
        job = await intend_insert(ledger, tx, rows_sent=1, aside=CANARY.encode())
        await ledger.batches.take(tx, [batch], job)
        await ledger.rows.put(tx, [held])
        await ledger.supplied.learn(tx, "customer", [(ID, {"name": CANARY})])
        await ledger.matches.learn(tx, "Account", [(f"{CANARY}.example", "001", ID)])
        place = ("notes", ID, 0, "CommentBody", "CaseComment", "00a")
        await ledger.conflicts.open(tx, [Conflict(*place, CANARY, f"their {CANARY}", "005")])
        await ledger.conflicts.keep(tx, job, [PreImage("Account", "001", "Phone", CANARY)])


@pytest.mark.parametrize("key", [None, KEY])
async def test_what_records_hold_is_readable_without_a_key_and_hidden_with_one(
    workspace: Path, key: bytes | None
) -> None:
    async with Ledger.open(workspace, clock=clock, key=key) as ledger:
        await fill(ledger)
        assert (CANARY.encode() in everything(workspace)) == (key is None)
    assert (CANARY.encode() in everything(workspace)) == (key is None)
    async with Ledger.open(workspace, clock=clock, key=key, read_only=True) as ledger:
        (name,) = ledger.spool.names()
        with ledger.spool.open(name) as reader:
            assert [reader.payload(number) for number in range(3)] == canary_columns().payloads
            assert reader.parents == canary_columns().parents
        assert [row.payload for row in await ledger.rows.find(ID)] == [CANARY.encode()]
        assert [job.aside for job in await ledger.jobs.unsettled()] == [CANARY.encode()]
        found = await ledger.matches.lookup("Account", [f"{CANARY}.example", "other.example"])
        assert found == {f"{CANARY}.example": ("001",)}


@pytest.mark.parametrize("read_only", [True, False])
async def test_a_missing_or_wrong_key_is_refused_and_nothing_is_touched(
    workspace: Path, read_only: bool
) -> None:
    async with Ledger.open(workspace, clock=clock, key=KEY) as ledger:
        await fill(ledger)
        (workspace / "spool" / "left-over.part").write_bytes(b"half")
    before = lasting(workspace)
    refused: list[tuple[bytes | None, type[StateError]]] = [
        (None, SpoolKeyMissing),
        (bytes(32), SpoolKeyWrong),
    ]
    for key, kind in refused:
        with pytest.raises(kind):
            async with Ledger.open(workspace, clock=clock, key=key, read_only=read_only):
                pass
    assert lasting(workspace) == before


async def test_a_key_that_comes_too_late_is_refused(workspace: Path) -> None:
    async with Ledger.open(workspace, clock=clock) as ledger:
        await fill(ledger)
    with pytest.raises(SpoolKeyTooLate):
        async with Ledger.open(workspace, clock=clock, key=KEY):
            pass


def test_an_encrypted_file_under_another_name_or_with_another_key_is_refused(
    tmp_path: Path,
) -> None:
    spool = Spool(tmp_path, Cipher(KEY))
    file = spool.write("x", columns(3))
    (tmp_path / "other.batch").write_bytes((tmp_path / file.name).read_bytes())
    with pytest.raises(StateDamaged), spool.open("other.batch"):
        pass
    with pytest.raises(StateDamaged), Spool(tmp_path, Cipher(bytes(32))).open(file.name):
        pass
    with pytest.raises(SpoolKeyMissing), Spool(tmp_path).open(file.name):
        pass


def test_an_encrypted_row_that_was_altered_is_damage(tmp_path: Path) -> None:
    spool = Spool(tmp_path, Cipher(KEY))
    file = spool.write("x", columns(3))
    path = tmp_path / file.name
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(StateDamaged), spool.open(file.name, file.crc):
        pass
    with spool.open(file.name) as reader, pytest.raises(StateDamaged):
        reader.payload(2)


def test_an_encrypted_file_keeps_its_index_when_it_is_stripped(tmp_path: Path) -> None:
    spool = Spool(tmp_path, Cipher(KEY))
    file = spool.write("x", columns(3, bytes_each=1000))
    for _ in range(2):
        spool.strip(file.name)
        with spool.open(file.name, file.crc) as reader:
            assert reader.keys == columns(3).keys
    assert columns(3).keys[0].encode() not in (tmp_path / file.name).read_bytes()
