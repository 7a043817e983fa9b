"""Moments in time as the source writes them: ISO 8601, mostly UTC with milliseconds."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

_EARLIEST_YEAR = 1700
_FIRST_YEAR = 1970
_LAST_YEAR = 4000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


# A record shows few moments several times each; many records of one page share theirs.
@lru_cache(maxsize=4096)
def target_moment(value: str, *, early: bool = False) -> str | None:
    """Return `yyyy-MM-ddTHH:mm:ss.SSSZ`; None for what is no moment, or out of the target's range.

    Offsets are converted to UTC; a time without an offset, and a plain date, are taken as UTC.
    The range is 1970 to 4000, as for audit fields (salesforce facts, 7.9), or from 1700 if `early`.
    """
    try:
        moment = datetime.fromisoformat(value)
        # The target's own form, by the places that tell it from all others that are read.
        if (
            len(value) == 24
            and value[23] == "Z"
            and value[19] == "."
            and value[10] == "T"
            and value[5] != "W"
            and "1970" <= value < "4000"
        ):
            return value
        moment = _in_utc(moment)
    except (ValueError, OverflowError):
        return None
    if not (_EARLIEST_YEAR if early else _FIRST_YEAR) <= moment.year <= _LAST_YEAR:
        return None
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def epoch_ms(stamp: Any) -> int:
    """An ISO moment as epoch ms; 0 for anything else."""
    if not isinstance(stamp, str):
        return 0
    try:
        moment = datetime.fromisoformat(stamp)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return (moment - _EPOCH) // _MILLISECOND
    except (ValueError, OverflowError):
        return 0


def _in_utc(moment: datetime) -> datetime:
    zone = moment.tzinfo
    if zone is UTC:
        return moment
    return moment.replace(tzinfo=UTC) if zone is None else moment.astimezone(UTC)
