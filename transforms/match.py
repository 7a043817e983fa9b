"""How records of a match phase find their counterparts: a value of ours, a field of theirs."""

from dataclasses import dataclass

from transforms.converters.cells import clean
from transforms.record import Getter, Record


@dataclass(frozen=True)
class MatchRule:
    """Records whose value at `get` equals the target's field `target`, letter case aside."""

    object: str
    target: str
    where: str
    get: Getter

    def soql(self) -> str:
        """The query for all possible counterparts."""
        condition = f" WHERE {self.where}" if self.where else ""
        return f"SELECT Id, {self.target} FROM {self.object}{condition}"  # noqa: S608

    def value(self, record: Record) -> str:
        """The value a record is matched by, normalised; "" when it has none."""
        found = self.get(record)
        return self.normalise(clean(found)) if isinstance(found, str) else ""

    @staticmethod
    def normalise(value: str) -> str:
        """The form in which both sides are compared."""
        return value.strip().lower()
