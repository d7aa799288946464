"""Opens pull requests with GitHub's own command, `gh`."""

import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from reconciler.errors import UsageError

_LONGEST = 120.0  # seconds


def open_pull_request(
    root: Path,
    environ: Mapping[str, str],
    *,
    branch: str,
    base: str | None,
    title: str,
    body: str,
) -> str:
    """Open the pull request of a branch that is pushed, and return its URL.

    Raises `UsageError` when `gh` is missing or refuses, with the command to type.
    """
    onto = ("--base", base) if base else ()
    what = ("pr", "create", "--head", branch, *onto)
    hint = shlex.join(("gh", *what, "--fill"))
    program = shutil.which("gh", path=environ.get("PATH"))
    if program is None:
        raise UsageError(
            f"`{branch}` is pushed, and no pull request is open: `gh` is not installed",
            hint=f"install it from https://cli.github.com and type `{hint}`, or open the pull "
            "request on the forge's page",
        )
    try:
        done = subprocess.run(  # noqa: S603  no shell, and every text is an argument of its own
            [program, *what, "--title", title, "--body", body],
            cwd=root,
            env={**environ, "GH_PROMPT_DISABLED": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_LONGEST,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(
            f"`{branch}` is pushed, and `gh` did not end: {error}", hint=hint
        ) from error
    if done.returncode:
        said = (done.stderr.strip() or f"status {done.returncode}").splitlines()[0]
        raise UsageError(f"`{branch}` is pushed, and `gh` did not open: {said}", hint=hint)
    lines = done.stdout.split()
    return lines[-1] if lines else branch
