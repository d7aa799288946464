"""Runs a command and writes what it cost: `python launch.py FILE COMMAND…`.

The peak memory of a process counts what it was forked from, so that has to be a small one.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path


def main(file: str, *command: str) -> None:
    """Write the seconds, the processor time and the KiB of a command; exits as that did."""
    begin = time.perf_counter()
    process = subprocess.Popen(command)  # noqa: S603  our own commands
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    cost = {"seconds": seconds, "processor": usage.ru_utime + usage.ru_stime}
    Path(file).write_text(json.dumps({**cost, "memory": usage.ru_maxrss}), encoding="utf-8")
    sys.exit(process.returncode)


if __name__ == "__main__":
    main(*sys.argv[1:])
