"""The names of all commands; each has a module of its name."""

COMMANDS = (
    "check",
    "discover",
    "map",
    "schema",
    "users",
    "plan",
    "migrate",
    "delta",
    "conflicts",
    "cutover",
    "retry",
    "matches",
    "status",
    "trace",
    "report",
    "state",
    "purge",
    "hooks",
    "demo",
    "simulate",
)
