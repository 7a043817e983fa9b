"""`deskferry schema`: what the target lacks of what the map needs, and its deployment."""

import os
from collections.abc import Iterator
from dataclasses import asdict
from itertools import groupby
from typing import Any

import typer

from connectors.clock import SystemClock
from connectors.salesforce.deploy import Deployment
from service.cli.frame import GlobalOptions, print_document, run_command
from service.cli.schema_documents import SchemaDeployDocument, SchemaPlanDocument
from service.cli.signals import stop_on_signal
from service.errors import DONE, REFUSED
from service.logging import start_logging
from service.schema.deploy import DeployedSchema, SchemaDeployment
from service.schema.plan import PlannedSchema, plan_schema
from service.schema.run import schema_session
from service.schema.shown import plan_facts, plan_lines
from service.stopping import until_stopped

app = typer.Typer(help="Fields, objects and values that the map needs in Salesforce.")


def add_to(parent: typer.Typer) -> None:
    """Add the commands."""
    parent.add_typer(app, name="schema")


@app.command()
def plan(context: typer.Context) -> None:
    """Show what Salesforce lacks of what the map needs, and write it as source files.

    Nothing is changed in Salesforce. The files lie in the workspace: schema/source is all that the
    map needs, schema/deploy what is to be deployed, schema/removal what takes it back.
    """
    options: GlobalOptions = context.obj

    async def work() -> int:
        config, clock = options.config(), SystemClock()
        start_logging(config.log, run=f"{int(clock.now())}-{os.getpid()}")
        async with schema_session(config, clock, "schema plan") as session:
            planned = await plan_schema(config, session.ledger, session.salesforce, session.org_id)
            code = REFUSED if planned.plan.impossible else DONE
            session.entry.ended_with = code
        if options.json:
            facts = {"nothing_to_do": planned.plan.empty, **plan_facts(planned)}
            print_document(SchemaPlanDocument, {"exit_code": code, **facts})
        else:
            _print_plan(planned)
        return code

    run_command(options, work)


@app.command()
def deploy(
    context: typer.Context,
    check_only: bool = typer.Option(
        False, "--check-only", help="Ask whether Salesforce would take it; change nothing."
    ),
) -> None:
    """Deploy what Salesforce lacks, make it visible to the running user, and prove it.

    Salesforce checks everything first and changes nothing if it refuses anything. Run it again at any
    time: what is there already is left alone.
    """
    options: GlobalOptions = context.obj

    async def work() -> int:
        config, clock = options.config(), SystemClock()
        start_logging(config.log, run=f"{int(clock.now())}-{os.getpid()}")

        async def run() -> DeployedSchema:
            async with schema_session(config, clock, "schema deploy") as session:
                deployment = SchemaDeployment(
                    config, session.ledger, session.salesforce, clock, _Told()
                )
                result = await deployment.run(session.org_id, check_only=check_only)
                session.entry.ended_with = result.exit_code
                return result

        async with stop_on_signal() as stop:
            result = await until_stopped(
                stop,
                run,
                kept="A deployment that was on its way was asked to end.",
                next_step="Run the command again: it looks at the org as it is then.",
            )
        if options.json:
            print_document(SchemaDeployDocument, _deploy_facts(result, check_only))
        else:
            _print_deployed(result, check_only)
        return result.exit_code

    run_command(options, work)


class _Told:
    """Says on stderr how a deployment gets on, whenever that changes."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, seen: Deployment) -> None:
        """Take a look at a deployment."""
        what = "check" if seen.check_only else "deployment"
        line = f"{what} {seen.id}: {seen.status}, {seen.deployed} of {seen.total} components"
        if line != self._last:
            typer.echo(line, err=True)
            self._last = line


def _deploy_facts(result: DeployedSchema, check_only: bool) -> dict[str, Any]:
    return {
        "exit_code": result.exit_code,
        "nothing_to_do": result.nothing_to_do,
        "check_only": check_only,
        "check": result.checked,
        "deployment": result.deployed,
        "assigned": result.assigned,
        "proven": result.proven,
        "failures": [asdict(each) for each in result.failures],
        "plan": plan_facts(result.planned),
    }


def _print_plan(planned: PlannedSchema) -> None:
    typer.echo(f"Org {planned.org_id}, {planned.plan.edition or 'edition unknown'}.")
    _print_lines(planned)
    for each in planned.plan.impossible:
        typer.echo(f"NO  {each.place}: {each.why}\n      Next: {each.next_step}")
    if planned.plan.impossible:
        typer.echo("Nothing can be deployed until this is mended.")
    elif planned.plan.empty:
        typer.echo(f"Nothing is lacking. Source files: {planned.folder}")
    else:
        typer.echo(f"Source files: {planned.folder}")
        typer.echo("Next: deskferry schema deploy --check-only")


def _print_lines(planned: PlannedSchema) -> None:
    for name, lines in groupby(plan_lines(planned.plan), key=lambda line: line[0]):
        typer.echo(name)
        for _, mark, thing, detail in lines:
            typer.echo(f"  {mark} {thing:<32} {detail}".rstrip())
    plan = planned.plan
    typer.echo(
        f"{len(plan.fields)} fields to be made, {len(plan.changes)} to be changed, {plan.there} there "
        f"as needed. The permission set opens {len(plan.grants)} fields to the running user."
    )


def _print_deployed(result: DeployedSchema, check_only: bool) -> None:
    if result.nothing_to_do:
        typer.echo("Nothing to deploy: all that the map needs is there, visible and writable.")
        return
    _print_lines(result.planned)
    for line in _ending(result, check_only):
        typer.echo(line)


def _ending(result: DeployedSchema, check_only: bool) -> Iterator[str]:
    if result.failures:
        for each in result.failures:
            yield f"NO  {each.component} {each.name}: {each.why}\n      Next: {each.next_step}"
        yield "Salesforce refused the deployment; nothing was changed."
    elif check_only:
        yield f"Salesforce would take it (check {result.checked}); nothing was changed."
        yield "Next: deskferry schema deploy"
    else:
        yield f"Deployed ({result.deployed})."
        yield "Every field that the map fills is visible and writable for the running user."
