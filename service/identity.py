"""Makes sure that a workspace, a config and the two orgs belong together before anything moves."""

from connectors.kustomer.client import KustomerClient
from connectors.salesforce.client import SalesforceClient
from service.config import Config
from service.errors import DeskferryError
from state.ledger import Ledger


class WrongOrg(DeskferryError):
    """The Salesforce org that answered is not the one the config names."""

    code = "wrong-org"
    exit_code = 3


class StateDisagrees(DeskferryError):
    """The workspace was begun with other orgs or another config."""

    code = "state-disagrees"
    exit_code = 3


async def check_identity(
    config: Config, ledger: Ledger, kustomer: KustomerClient, salesforce: SalesforceClient
) -> None:
    """Compare both orgs with the config and the ledger, and remember them on the first run.

    Raises `WrongOrg` and `StateDisagrees` (both refuse, exit 3), and the connectors' errors.
    """
    target = await salesforce.org()
    if target.org_id[:15] != config.salesforce.org_id[:15]:
        raise WrongOrg(
            f"Salesforce answers as org {target.org_id}, the config names "
            f"{config.salesforce.org_id}.",
            next_step="Check salesforce.login_url and the credentials, or correct org_id.",
        )
    source = await kustomer.org()
    facts = {
        "kustomer_org": source.id,
        "salesforce_org": target.org_id[:15],
        "config_fingerprint": config.fingerprint(),
    }
    for key, value in facts.items():
        known = await ledger.facts.get(key)
        if known is not None and known != value:
            raise StateDisagrees(
                f"The workspace was begun with another {key.replace('_', ' ')}.",
                next_step="Use the config it was begun with, or choose another workspace.",
            )
    async with ledger.write() as tx:
        for key, value in facts.items():
            await ledger.facts.set(tx, key, value)
        await ledger.facts.set(tx, "salesforce_url", target.instance_url)  # for links; may change
