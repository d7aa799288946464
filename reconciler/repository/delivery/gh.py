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
    is_only_remote: bool,
    base: str | None,
    title: str,
    body: str,
) -> str:
    """Open the pull request of a branch that is pushed, and return its URL.

    Raises `UsageError` when `gh` is missing or refuses, with the command to type.
    """
    # `--head` keeps `gh` from asking where to push, and means a branch of the repository that the
    # request is for. The branch may be in a fork where there are two: `gh` finds out by itself.
    head = ("--head", branch) if is_only_remote else ()
    onto = ("--base", base) if base else ()
    what = ("pr", "create", *head, *onto)
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
        said = _reason(done.stderr) or f"status {done.returncode}"
        raise UsageError(
            f"`{branch}` is pushed, and `gh` opened no pull request: {said}", hint=hint
        )
    lines = done.stdout.split()
    return lines[-1] if lines else branch


def _reason(said: str) -> str:
    """Return the first paragraph of what `gh` complains about, less its warnings, on one line."""
    lines = [line for line in said.strip().splitlines() if not line.startswith("Warning:")]
    paragraph = "\n".join(lines).strip().partition("\n\n")[0]
    return " ".join(paragraph.split())
