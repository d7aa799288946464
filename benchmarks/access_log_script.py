"""Reads one access log as a process of its own: `python access_log_script.py FILE LOADS`."""

import sys
from pathlib import Path

from reconciler.api.usage.access_logs import read


def main(file: str, loads: str) -> None:
    """Read the log; exits with 1 unless it has so many loads."""
    logs = read([file], root=Path.cwd())
    sys.exit(sum(load.count for load in logs.seen) != int(loads) or bool(logs.warnings))


if __name__ == "__main__":
    main(*sys.argv[1:])
