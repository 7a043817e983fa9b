"""Makes sure that a workspace, a config and the two orgs belong together before anything moves."""

from collections.abc import Callable, Mapping

from connectors.kustomer.client import KustomerClient
from connectors.salesforce.client import SalesforceClient, SalesforceOrg
from service.config import Config
from service.crash_points import reach
from service.errors import DeskferryError
from service.version import VERSION
from state.forms import WRITTEN_BY
from state.ledger import Ledger

# The settings a workspace is begun with: how each is read (the form that is compared).
FIXED: Mapping[str, Callable[[Config], str]] = {
    "salesforce.org_id": lambda config: config.salesforce.org_id[:15],
    "kustomer.base_url": lambda config: config.kustomer.base_url,
    "salesforce.login_url": lambda config: config.salesforce.login_url,
    "salesforce.lanes": lambda config: str(config.salesforce.lanes),
}
# An org may get another address and stay the same org; its own id decides, when the operator says so.
ADDRESSES = ("kustomer.base_url", "salesforce.login_url")
_FINGERPRINT = "config_fingerprint"  # how the first form remembered all but the lanes
_BACK = "Put the earlier value back into the config, or choose another workspace."
_MOVED = (
    "Put the earlier value back, or choose another workspace. If the same org has only got another "
    "address, run migrate --same-org once: it compares both orgs' own ids and takes the new address."
)


class WrongOrg(DeskferryError):
    """The Salesforce org that answered is not the one the config names."""

    code = "wrong-org"
    exit_code = 3


class StateDisagrees(DeskferryError):
    """The workspace was begun with other orgs or another config."""

    code = "state-disagrees"
    exit_code = 3


async def check_identity(
    config: Config,
    ledger: Ledger,
    kustomer: KustomerClient,
    salesforce: SalesforceClient,
    *,
    same_org: bool = False,
) -> None:
    """Compare both orgs with the config and the ledger, and remember them on the first run.

    With `same_org`, other addresses are taken when both orgs' own ids are those the ledger knows.
    Raises `WrongOrg` and `StateDisagrees` (both refuse, exit 3), and the connectors' errors.
    """
    await check_config(config, ledger, same_org=same_org)
    target = await right_org(config, salesforce)
    source = await kustomer.org()
    orgs = {"kustomer_org": source.id, "salesforce_org": target.org_id[:15]}
    for key, value in orgs.items():
        known = await ledger.facts.get(key)
        if known is not None and known != value:
            name = key.partition("_")[0].capitalize()
            raise StateDisagrees(
                f"The workspace was begun with {name} org {known}; {value} answers now.",
                next_step="Use the address and key of that org, or choose another workspace.",
            )
    facts = {
        **orgs,
        **{f"config.{key}": read(config) for key, read in FIXED.items()},
        _FINGERPRINT: config.fingerprint(),
        WRITTEN_BY: VERSION,
    }
    async with ledger.write() as tx:
        for key, value in facts.items():
            await ledger.facts.set(tx, key, value)
        await ledger.facts.set(tx, "salesforce_url", target.instance_url)  # for links; may change
    reach("identity-noted")


async def check_target(
    config: Config, ledger: Ledger, salesforce: SalesforceClient
) -> SalesforceOrg:
    """Make sure that Salesforce answers as the org that the config and the ledger know; for work
    that needs no Kustomer. Nothing is remembered. Raises `WrongOrg` and `StateDisagrees`.
    """
    await check_config(config, ledger)
    return await right_org(config, salesforce)


async def right_org(config: Config, salesforce: SalesforceClient) -> SalesforceOrg:
    """Return the org that answers; raises `WrongOrg` when it is not the one that the config names."""
    target = await salesforce.org()
    if target.org_id[:15] != config.salesforce.org_id[:15]:
        raise WrongOrg(
            f"Salesforce answers as org {target.org_id}, the config names "
            f"{config.salesforce.org_id}.",
            next_step="Check salesforce.login_url and the credentials, or correct org_id.",
        )
    return target


async def check_config(config: Config, ledger: Ledger, *, same_org: bool = False) -> None:
    """Compare the config alone with what the workspace was begun with.

    Raises `StateDisagrees`, which names every setting that differs with both values.
    """
    told = []
    known = await ledger.facts.all()
    for key, read in FIXED.items():
        before, now = _begun_with(key, known), read(config)
        if before not in (None, now) and not (same_org and key in ADDRESSES):
            told.append((key, f"{key} is {now}, the workspace was begun with {before}"))
    if told:
        moved = all(key in ADDRESSES for key, _ in told)
        sentence = "; ".join(text for _, text in told)
        raise StateDisagrees(f"{sentence}.", next_step=_MOVED if moved else _BACK)
    if f"config.{ADDRESSES[0]}" not in known and not same_org:
        _compare_fingerprint(config, known)


def _begun_with(key: str, known: Mapping[str, str]) -> str | None:
    if key == "salesforce.org_id":
        return known.get("salesforce_org")
    return known.get(f"config.{key}")


def _compare_fingerprint(config: Config, known: Mapping[str, str]) -> None:
    """An older state knows its addresses by a digest only, and cannot say which it was."""
    if known.get(_FINGERPRINT) in (None, config.fingerprint()):
        return
    told = " or ".join(f"{key} ({FIXED[key](config)})" for key in ADDRESSES)
    raise StateDisagrees(
        f"{told} is not what the workspace was begun with; this older state does not say which.",
        next_step=_MOVED,
    )
