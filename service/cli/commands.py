"""The names of all commands; each has a module of its name."""

COMMANDS = (
    "check",
    "discover",
    "map",
    "schema",
    "migrate",
    "retry",
    "matches",
    "status",
    "trace",
    "report",
    "state",
    "purge",
    "demo",
    "simulate",
)
