"""Batch files: what was written comes back, or is refused."""

import errno
import os
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from state.errors import DiskFull, StateDamaged
from state.spool import BatchColumns, Spool
from tests.unit.state.columns import columns


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path)


def test_a_batch_file_gives_back_what_was_written(spool: Spool, tmp_path: Path) -> None:
    made = columns(3)
    file = spool.write("notes-CaseComment-0", made)
    data = (tmp_path / file.name).read_bytes()
    assert (file.size_bytes, file.crc) == (len(data), zlib.crc32(data))
    with spool.open(file.name, file.crc) as reader:
        assert (reader.keys, reader.parts, reader.versions) == (
            made.keys,
            made.parts,
            made.versions,
        )
        assert (reader.parents, reader.digests) == (made.parents, made.digests)
        assert (reader.pages, reader.slices) == (made.pages, made.slices)
        assert [reader.payload(number) for number in range(3)] == made.payloads


def test_an_empty_batch_can_be_written_and_read(spool: Spool) -> None:
    file = spool.write("x", BatchColumns.empty(1))
    with spool.open(file.name, file.crc) as reader:
        assert reader.keys == []


def test_two_files_never_share_a_name(spool: Spool, tmp_path: Path) -> None:
    names = [each.write("x", columns(1)).name for each in (spool, spool, Spool(tmp_path))]
    assert spool.names() == sorted(set(names))
    assert len(set(names)) == 3


def test_a_stripped_file_keeps_its_index_and_shrinks(spool: Spool, tmp_path: Path) -> None:
    file = spool.write("x", columns(3, bytes_each=1000))
    for _ in range(2):
        spool.strip(file.name)
        with spool.open(file.name, file.crc) as reader:
            assert (reader.keys, reader.pages) == (columns(3).keys, columns(3).pages)
            with pytest.raises(StateDamaged):
                reader.payload(0)
    assert (tmp_path / file.name).stat().st_size < 500


def test_a_file_that_was_removed_is_damage_and_removing_it_twice_is_none(spool: Spool) -> None:
    file = spool.write("x", columns(1))
    for _ in range(2):
        spool.remove(file.name)
    with pytest.raises(StateDamaged, match="gone"), spool.open(file.name):
        pass


def flip_last(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


FORMS: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "headless": lambda data: data[:5],
    "cut in the index": lambda data: data[:40],
    "cut in the payloads": lambda data: data[:-4],
    "longer": lambda data: data + b"x",
    "another file": lambda data: b"PK\x03\x04" + data[4:],
    "an index that is no object": lambda data: b"DFB1\x00\x00\x00\x02[]",
    "an index without columns": lambda data: b"DFB1\x00\x00\x00\x02{}",
    "zeroes": lambda data: bytes(len(data)),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_damaged_file_is_refused_by_its_form(spool: Spool, tmp_path: Path, form: str) -> None:
    file = spool.write("x", columns(3))
    path = tmp_path / file.name
    path.write_bytes(FORMS[form](path.read_bytes()))
    with pytest.raises(StateDamaged), spool.open(file.name):
        pass


def test_columns_of_different_lengths_are_damage(spool: Spool) -> None:
    made = columns(3)
    made.digests.pop()
    file = spool.write("x", made)
    with pytest.raises(StateDamaged), spool.open(file.name):
        pass


def test_one_altered_bit_is_recognised_with_the_checksum(spool: Spool, tmp_path: Path) -> None:
    file = spool.write("x", columns(3))
    path = tmp_path / file.name
    path.write_bytes(flip_last(path.read_bytes()))
    with pytest.raises(StateDamaged), spool.open(file.name, file.crc):
        pass


def test_one_altered_bit_of_a_stripped_file_is_recognised(spool: Spool, tmp_path: Path) -> None:
    file = spool.write("x", columns(3))
    spool.strip(file.name)
    path = tmp_path / file.name
    path.write_bytes(flip_last(path.read_bytes()))
    with pytest.raises(StateDamaged), spool.open(file.name):
        pass


def test_a_full_disk_leaves_no_half_file(
    spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskFull):
        spool.write("x", columns(1))
    assert list(tmp_path.iterdir()) == []
