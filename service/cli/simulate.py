"""`deskferry simulate kustomer|salesforce`: one stand-in on a port."""

from collections.abc import Awaitable
from pathlib import Path

import typer

from service.cli.frame import GlobalOptions, run_command
from service.errors import DONE, INTERRUPTED, UsageInvalid
from simulators.kustomer.org import DatasetInvalid
from simulators.kustomer.serve import serve_kustomer
from simulators.kustomer.settings import DEFAULT_KEY, KustomerSettings
from simulators.salesforce.serve import serve_salesforce
from simulators.salesforce.settings import SalesforceSettings
from simulators.serving import NotLoopback, announce

app = typer.Typer(
    help="Serve a stand-in for one of the two APIs on loopback.", no_args_is_help=True
)


def add_to(parent: typer.Typer) -> None:
    """Add the group of commands."""
    parent.add_typer(app, name="simulate")


@app.command()
def kustomer(
    context: typer.Context,
    port: int = typer.Option(0, min=0, max=65535, help="Port; 0 takes a free one."),
    host: str = typer.Option("127.0.0.1", help="Loopback address to listen on."),
    seed: int = typer.Option(7, help="Seed of the generated org."),
    customers: int = typer.Option(400, help="Customers in the org."),
    companies: int = typer.Option(40, help="Companies in the org."),
    conversations: int = typer.Option(600, help="Conversations in the org."),
    messages: int = typer.Option(3000, help="Messages in the org."),
    notes: int = typer.Option(300, help="Notes in the org."),
    kobjects: int = typer.Option(60, help="Records of klasses in the org."),
    tags: int = typer.Option(12, help="Tags in the org."),
    users: int = typer.Option(40, help="Users in the org: agents 0, 1, 2 ..."),
    teams: int = typer.Option(8, help="Teams in the org."),
    dataset: Path | None = typer.Option(None, help="JSON lines to serve instead."),  # noqa: B008
    texts: Path | None = typer.Option(None, help="Folder of real texts."),  # noqa: B008
    api_key: str = typer.Option(DEFAULT_KEY, help="The key that is accepted."),
    rate_limit: int = typer.Option(1000, help="Requests in a window."),
    rate_window: float = typer.Option(60.0, help="Length of a window, seconds."),
    search_limit: int = typer.Option(100, help="Searches in a search window."),
    search_window: float = typer.Option(60.0, help="Length of a search window, seconds."),
    list_cap: int | None = typer.Option(None, help="Pages after which lists stop; none: never."),
    index_lag: float = typer.Option(0.0, help="Seconds that search lags behind writes."),
    wild: bool = typer.Option(False, "--wild", help="Add records as odd as real ones can be."),
    correspondents: bool = typer.Option(
        True, help="Whether mails have copies, and notes mentions."
    ),
    rich: bool = typer.Option(False, "--rich", help="Klasses and attributes of every type."),
    chaos: float = typer.Option(0.0, min=0, max=1, help="Share of all calls that go wrong."),
    chaos_seed: int = typer.Option(1, help="Seed of what goes wrong."),
    churn: float = typer.Option(0.0, min=0, max=1000, help="Writes a second while it serves."),
    churn_seed: int = typer.Option(1, help="Seed of what is written."),
    churn_for: float | None = typer.Option(None, min=0, help="Seconds of churn; none: no end."),
    churn_writes: int | None = typer.Option(None, min=0, help="Writes of churn; none: no end."),
    truth: Path | None = typer.Option(None, help="File for the log of all writes."),  # noqa: B008
    effect_log: Path | None = typer.Option(None, help="File for the log of changes."),  # noqa: B008
) -> None:
    """Serve a Kustomer org; its address is printed as one JSON line."""
    settings = KustomerSettings(
        seed=seed,
        customers=customers,
        companies=companies,
        conversations=conversations,
        messages=messages,
        notes=notes,
        kobjects=kobjects,
        tags=tags,
        users=users,
        teams=teams,
        dataset=dataset,
        texts=texts,
        api_key=api_key,
        rate_limit=rate_limit,
        rate_window_s=rate_window,
        search_limit=search_limit,
        search_window_s=search_window,
        list_cap_pages=list_cap,
        index_lag_s=index_lag,
        wild=wild,
        correspondents=correspondents,
        rich=rich,
        churn_rate=churn,
        churn_seed=churn_seed,
        churn_for_s=churn_for,
        churn_writes=churn_writes,
        truth_log=truth,
        effect_log=effect_log,
        chaos_rate=chaos,
        chaos_seed=chaos_seed,
    )

    async def work() -> int:
        def ready(url: str) -> None:
            announce(url=url, api_key=settings.api_key)

        return await _serve(serve_kustomer(settings, host=host, port=port, on_ready=ready))

    options: GlobalOptions = context.obj
    run_command(options, work)


@app.command()
def salesforce(
    context: typer.Context,
    port: int = typer.Option(0, min=0, max=65535, help="Port; 0 takes a free one."),
    host: str = typer.Option("127.0.0.1", help="Loopback address to listen on."),
    org_id: str = typer.Option(SalesforceSettings.org_id, help="Id of the org."),
    client_id: str = typer.Option(SalesforceSettings.client_id, help="Consumer key accepted."),
    client_secret: str = typer.Option(SalesforceSettings.client_secret, help="Consumer secret."),
    audit_fields: bool = typer.Option(True, help="Whether audit fields may be set."),
    bare: bool = typer.Option(False, "--bare", help="An org without the map's own fields."),
    person_accounts: bool = typer.Option(
        False, "--person-accounts", help="Accounts may be persons."
    ),
    topics: bool = typer.Option(True, help="Whether topics may be made and assigned."),
    users: int = typer.Option(40, help="Agents that Kustomer has."),
    unmatched_users: int = typer.Option(4, help="Of them, how many have no user here."),
    ambiguous_users: int = typer.Option(0, help="How many have two users here."),
    inactive_users: int = typer.Option(0, help="How many have an inactive user here."),
    inactive_owner: bool = typer.Option(True, help="Whether inactive users may own records."),
    teams: int = typer.Option(8, help="Queues in the org."),
    update_mail: bool = typer.Option(True, help="Whether people of sent e-mails may be changed."),
    edition: str = typer.Option(SalesforceSettings.edition, help="Edition, for its limits."),
    automation: bool = typer.Option(False, "--automation", help="List flows, triggers, rules."),
    data_storage: int = typer.Option(100_000, min=0, help="Data storage that is left, MB."),
    file_storage: int = typer.Option(100_000, min=0, help="File storage that is left, MB."),
    job_delay: float = typer.Option(0.0, help="Seconds before a closed job runs."),
    deploy_delay: float = typer.Option(0.0, help="Seconds that a deployment takes."),
    access_lag: float = typer.Option(0.0, help="Seconds that a change of access lags."),
    chaos: float = typer.Option(0.0, min=0, max=1, help="Share of all calls that go wrong."),
    chaos_seed: int = typer.Option(1, help="Seed of what goes wrong."),
    effect_log: Path | None = typer.Option(None, help="File for the log of effects."),  # noqa: B008
) -> None:
    """Serve a Salesforce org; its address is printed as one JSON line."""
    settings = SalesforceSettings(
        org_id=org_id,
        client_id=client_id,
        client_secret=client_secret,
        audit_fields=audit_fields,
        bare=bare,
        person_accounts=person_accounts,
        topics=topics,
        users=users,
        unmatched_users=unmatched_users,
        ambiguous_users=ambiguous_users,
        inactive_users=inactive_users,
        inactive_owner=inactive_owner,
        teams=teams,
        update_mail=update_mail,
        edition=edition,
        automation=automation,
        data_storage_mb=data_storage,
        file_storage_mb=file_storage,
        job_delay_s=job_delay,
        deploy_delay_s=deploy_delay,
        access_lag_s=access_lag,
        effect_log=effect_log,
        chaos_rate=chaos,
        chaos_seed=chaos_seed,
    )

    async def work() -> int:
        def ready(url: str) -> None:
            announce(url=url, org_id=settings.org_id)

        return await _serve(serve_salesforce(settings, host=host, port=port, on_ready=ready))

    options: GlobalOptions = context.obj
    run_command(options, work)


async def _serve(serving: Awaitable[None]) -> int:
    """Serve until stopped; what the caller got wrong is said plainly."""
    try:
        await serving
    except KeyboardInterrupt:
        return INTERRUPTED
    except (NotLoopback, DatasetInvalid) as error:
        raise UsageInvalid(str(error), next_step="Correct the option and try again.") from None
    except (OSError, UnicodeDecodeError):
        raise UsageInvalid(
            "The dataset cannot be read.", next_step="Check the path given with --dataset."
        ) from None
    except (SystemExit, ValueError):  # how the server says that it cannot listen
        raise UsageInvalid(
            "The stand-in cannot listen there.",
            next_step="Choose a free --port, or 0 for any, and a loopback --host.",
        ) from None
    return DONE
