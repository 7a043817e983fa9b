"""The names of all commands; each has a module of its name."""

COMMANDS = (
    "check",
    "map",
    "schema",
    "users",
    "migrate",
    "retry",
    "status",
    "trace",
    "report",
    "state",
    "purge",
    "demo",
    "simulate",
)
