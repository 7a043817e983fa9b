"""`users sync`: asks both sides again who the agents are, through the same flow as `migrate`.

Only the phase of users runs: it is read when it was not yet, open users are matched again, and its gate
is closed. Nothing is written in Salesforce; records that waited go with the next `migrate`.
"""

from service.agents import USERS, open_agents
from service.errors import ATTENTION, DONE
from service.phases import Phase
from service.run import Migration, Outcome
from state.ledger import Ledger


class UsersSync(Migration):
    """One run of `users sync`. `open_users`: how many are left in the queue."""

    command = "users sync"
    ends_with_cutover = False
    open_users = 0

    async def _phases_to_run(self, ledger: Ledger) -> list[Phase]:
        return [each for each in await super()._phases_to_run(ledger) if each.name == USERS]

    async def _agents_settled(self, ledger: Ledger) -> None:
        """Nothing follows here: what waits goes with `migrate`."""

    async def _conclude(self, ledger: Ledger, jobs_before: int) -> Outcome:
        outcome = await super()._conclude(ledger, jobs_before)
        self.open_users = len((await open_agents(ledger)).rows)
        return Outcome(ATTENTION if self.open_users else DONE, outcome.summary)
