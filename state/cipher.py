"""Encryption at rest: AES-256-GCM for batch files and for what rows and jobs carry in the ledger.

One key of 32 bytes comes from outside. Each batch file has a key of its own, derived from it and
a random salt, so that its rows can be sealed by their number and read one by one; the file's name is
bound to it. A blob in the ledger has a random nonce, and is bound to the column it lies in.
"""

import base64
import binascii
import hmac
import os
import re
from hashlib import blake2b
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from state.errors import StateDamaged, StateError

KEY_BYTES: Final = 32
SALT_BYTES: Final = 16
TAG_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_INDEX_NONCE: Final = b"\xff" * _NONCE_BYTES  # no row has this number
_BLOB: Final = b"DFE1"
_HEX: Final = re.compile(r"[0-9a-fA-F]{64}\Z")


class SpoolKeyInvalid(StateError):
    """`spool_key` leads to something that is no key."""

    code = "spool-key-invalid"
    recovery = "refuse"
    next_step = "Give 32 random bytes in hexadecimal or base64, as `openssl rand -hex 32` prints."


class SpoolKeyMissing(StateError):
    """The workspace is encrypted and the config names no `spool_key`."""

    code = "spool-key-missing"
    recovery = "refuse"
    next_step = "Name the key that the workspace was begun with as spool_key."


class SpoolKeyWrong(StateError):
    """The workspace was encrypted with another key."""

    code = "spool-key-wrong"
    recovery = "refuse"
    next_step = "Name the key that the workspace was begun with as spool_key."


class SpoolKeyTooLate(StateError):
    """The workspace was begun without a key: a key now would leave readable records behind."""

    code = "spool-key-too-late"
    recovery = "refuse"
    next_step = "Remove spool_key and go on, or begin an encrypted workspace with state rebuild."


def parse_key(text: str) -> bytes:
    """Return the key that `text` spells in hexadecimal or base64; raises `SpoolKeyInvalid`.

    What was given is never repeated.
    """
    if _HEX.match(text):
        return bytes.fromhex(text)
    try:
        key = base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise SpoolKeyInvalid("spool_key leads to something that is no key of 32 bytes.")
    return key


class Cipher:
    """Seals with one key. All methods are pure computation; about two microseconds for a row."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._blobs = AESGCM(self._derive(b"blob"))
        self._blind_key = self._derive(b"match")

    def mark(self) -> str:
        """A text by which `is_marked` recognises this key later; it tells nothing about it."""
        return self.seal_blob(b"deskferry", "mark").hex()

    def is_marked(self, mark: str) -> bool:
        """Tell whether this key made `mark`."""
        try:
            return self.open_blob(bytes.fromhex(mark), "mark") == b"deskferry"
        except (StateDamaged, ValueError):
            return False

    def seal_blob(self, data: bytes, place: str) -> bytes:
        """Encrypt a value of the ledger, bound to `place` (the table and column it lies in)."""
        nonce = os.urandom(_NONCE_BYTES)
        return _BLOB + nonce + self._blobs.encrypt(nonce, data, place.encode())

    def open_blob(self, sealed: bytes, place: str) -> bytes:
        """Decrypt what `seal_blob` made; raises `StateDamaged` for anything else."""
        start = len(_BLOB)
        nonce = sealed[start : start + _NONCE_BYTES]
        try:
            if sealed[:start] == _BLOB:
                return self._blobs.decrypt(nonce, sealed[start + _NONCE_BYTES :], place.encode())
        except (InvalidTag, ValueError):
            pass
        raise StateDamaged("An encrypted value of the ledger is not what was written.")

    def blind(self, text: str) -> str:
        """A text that stands for `text` in a look-up and does not tell it."""
        return hmac.digest(self._blind_key, text.encode(), "sha256").hex()

    def for_file(self, name: str, salt: bytes) -> "FileCipher":
        """The cipher of one batch file."""
        return FileCipher(AESGCM(self._derive(b"file" + salt)), name.encode())

    def _derive(self, purpose: bytes) -> bytes:
        """A key of its own for each purpose and file."""
        person = b"deskferry"
        return blake2b(purpose, key=self._key, digest_size=KEY_BYTES, person=person).digest()


class FileCipher:
    """Seals the index and the rows of one batch file, each bound to the file's name."""

    def __init__(self, aead: AESGCM, name: bytes) -> None:
        self._aead = aead
        self._name = name

    def seal_index(self, data: bytes) -> bytes:
        """Encrypt the index."""
        return self._aead.encrypt(_INDEX_NONCE, data, self._name)

    def open_index(self, sealed: bytes) -> bytes:
        """Decrypt the index; raises `StateDamaged`."""
        return self._open(_INDEX_NONCE, sealed)

    def seal_rows(self, rows: list[bytes]) -> list[bytes]:
        """Encrypt the payload of every row by its number."""
        encrypt, name = self._aead.encrypt, self._name
        return [
            encrypt(number.to_bytes(_NONCE_BYTES, "big"), row, name)
            for number, row in enumerate(rows)
        ]

    def open_row(self, number: int, sealed: bytes) -> bytes:
        """Decrypt the payload of row `number`; raises `StateDamaged`."""
        return self._open(number.to_bytes(_NONCE_BYTES, "big"), sealed)

    def _open(self, nonce: bytes, sealed: bytes) -> bytes:
        try:
            return self._aead.decrypt(nonce, sealed, self._name)
        except (InvalidTag, ValueError):
            name = self._name.decode()
            raise StateDamaged(f"Batch file {name} is not what was written.") from None
