"""`migrate`: the stages of the plan one after the other, each driven to closed gates by the one flow."""

import anyio

from connectors.clock import Clock
from connectors.salesforce.client import SalesforceClient
from service.compose import KustomerSide
from service.config import Config
from service.marks import settle_marks
from service.run import Migration
from service.stages import Asked, Stages
from state.ledger import Ledger


class StagedMigration(Migration):
    """A full load in the stages of its plan; without a plan it is one stage."""

    def __init__(
        self,
        config: Config,
        *,
        clock: Clock,
        stop: anyio.Event,
        same_org: bool = False,
        asked: Asked | None = None,
    ) -> None:
        super().__init__(config, clock=clock, stop=stop, same_org=same_org)
        self._asked = asked or Asked()

    async def _drive(
        self, ledger: Ledger, kustomer: KustomerSide, salesforce: SalesforceClient
    ) -> None:
        """Go on with the stage under way, then begin each one that is left.

        What was open before a stage is driven even when no stage is left: rows to be sent again. Raises
        `SampleTooLate`, and `UsageInvalid` for a hot stage that the plan does not have.
        """
        stages = Stages(self._config, self._clock, ledger, kustomer.client, self._phases)
        going = await stages.next(self._asked)
        while True:
            await super()._drive(ledger, kustomer, salesforce)
            if not going:
                return
            await settle_marks(ledger, self._phases)
            await stages.ended()
            going = await stages.next(self._asked)
            if not going:
                return
