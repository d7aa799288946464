"""Words that other tools have for a command: each is answered with the command that is meant."""

from collections.abc import Collection, Sequence
from typing import Final

from reconciler.core.matching import nearest
from reconciler.errors import UsageError

# What each command does, as the sentence about it ends.
_MEANT: Final = {
    "`reconciler status` lists the models, `reconciler show MODEL` shows one": (
        *("ls", "list", "get", "models", "versions"),
    ),
    "`reconciler show MODEL` shows one, `reconciler status` lists them": (
        *("describe", "info", "inspect"),
    ),
    "`reconciler plan` shows what would change, `reconciler drift` what was changed by hand": (
        *("diff", "preview", "changes"),
    ),
    "`reconciler apply` writes what is declared, after showing it": (
        *("sync", "rollout", "deploy", "push", "up", "update", "set", "tag", "alias"),
    ),
    "`reconciler promote MODEL VERSION` edits the file, and `reconciler apply` follows": (
        *("stage", "transition", "release", "edit"),
    ),
    "`reconciler rollback MODEL` edits the file, and `reconciler apply` follows": (
        *("undo", "revert", "restore"),
    ),
    "`reconciler history` has every merged change, `reconciler audit` what does not add up": (
        *("log", "logs", "blame", "changelog"),
    ),
    "`reconciler page --out DIR` makes files to open, `reconciler history` answers here": (
        *("site", "html", "dashboard", "report", "publish", "render"),
    ),
    "`reconciler digest MODEL` prints the digest of a version's files": (
        *("hash", "checksum", "sha256", "sha256sum", "fingerprint"),
    ),
    "`reconciler resolve MODEL` prints the version that serves, also with `--format kserve`": (
        *("which", "env", "dotenv", "kserve", "serve", "serving", "uri"),
    ),
    "`reconciler card MODEL` prints the model card, with `--format cyclonedx` as an ML-BOM": (
        *("modelcard", "model-card", "bom", "sbom", "mlbom", "aibom", "cyclonedx"),
    ),
    "`reconciler validate` checks the files": ("check", "lint", "verify"),
    "`reconciler import` writes the files from the registry": (
        *("pull", "fetch", "export", "dump", "add"),
    ),
    "`reconciler init` makes a repository ready": ("setup", "bootstrap", "new", "create"),
    "no command deletes a model or a version; take it out of the files, or `reconciler forget`": (
        *("delete", "remove", "rm", "destroy", "prune", "purge", "archive"),
    ),
    "credentials are MLflow's variables, such as MLFLOW_TRACKING_USERNAME and _PASSWORD": (
        *("login", "logout", "auth", "configure", "config", "connect"),
    ),
    "`reconciler migrate stages --report` says what depends on stages": (
        *("stages", "migration", "upgrade", "bridge"),
    ),
    "`reconciler migrate rewrite PATH` prints a patch that loads by alias": (
        *("rewrite", "codemod", "refactor"),
    ),
    "`reconciler --version` prints it": ("version",),
    "`reconciler status --watch` shows it again and again": ("top",),
    "`reconciler watch` looks at what is measured of versions that serve": (
        *("monitor", "canary", "observe", "alert"),
    ),
    '`eval "$(_RECONCILER_COMPLETE=bash_source reconciler)"` lets bash complete; zsh_source: zsh': (
        *("completion", "completions", "autocomplete"),
    ),
}
ANSWERS: Final = {word: answer for answer, words in _MEANT.items() for word in words}


def unknown_command(name: str, commands: Collection[str]) -> UsageError:
    """Return the error about a word that is not a command, with the command that is meant."""
    hint = ANSWERS.get(name.lower()) or nearest(name, commands)
    if name.lower() in commands:
        hint = f"did you mean `{name.lower()}`?"
    return UsageError(f"there is no command `{name}`", hint=hint or "see `reconciler -h`")


def help_as_option(arguments: Sequence[str]) -> list[str]:
    """Return the arguments, with `help COMMAND` as `COMMAND --help`."""
    if not arguments or arguments[0] != "help":
        return list(arguments)
    return [*(word for word in arguments[1:] if not word.startswith("-")), "--help"]
