"""Which running job holds which parent (facts, 3.7: what locks)."""

from collections.abc import Iterable

from simulators.salesforce.store import FieldError


class ParentLocks:
    """A job holds every parent that it has touched for as long as it runs."""

    def __init__(self) -> None:
        self._holder: dict[str, str] = {}

    def touch(self, job_id: str, parents: Iterable[str]) -> FieldError | None:
        """Take the parents of one row, or say which ones another job holds."""
        wanted = list(parents)
        taken = [each for each in wanted if self._holder.get(each, job_id) != job_id]
        if taken:
            text = (
                "unable to obtain exclusive access to this record or 200 records: "
                f"{','.join(taken)}"
            )
            return FieldError("UNABLE_TO_LOCK_ROW", text)
        self._holder.update(dict.fromkeys(wanted, job_id))
        return None

    def release(self, job_id: str) -> None:
        """Let go of all that a job held."""
        self._holder = {key: held for key, held in self._holder.items() if held != job_id}
