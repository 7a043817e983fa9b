"""`python -m service` is the command `deskferry`."""

from service.cli.main import run

run()
