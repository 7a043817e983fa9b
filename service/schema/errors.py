"""Why a schema was not deployed, each with what to do."""

from typing import ClassVar

from service.errors import REFUSED, REMOTE, DeskferryError, Recovery


class SchemaImpossible(DeskferryError):
    """The org cannot take what the map needs; nothing was sent."""

    code = "schema-impossible"
    exit_code = REFUSED


class SchemaNotVisible(DeskferryError):
    """What was deployed is not visible or not writable for the running user."""

    code = "schema-not-visible"
    exit_code = REMOTE
    recovery: ClassVar[Recovery] = "retry"


class DefinitionMissing(DeskferryError):
    """A describe shows a component whose definition cannot be read."""

    code = "definition-missing"
    exit_code = REMOTE
    recovery: ClassVar[Recovery] = "refuse"
