"""The rule for the digest of a version: its form, and what a text of another form was meant as."""

import re
from typing import Final

from reconciler.core.artifacts.model_files import DIGEST, ModelFiles
from reconciler.files.schema.name_rules import Broken, quoted

PRINTED: Final = "`reconciler digest MODEL/VERSION` prints it"

_FORM: Final = "`sha256:` and 64 lower-case hex digits"
_OF_NOTHING: Final = ModelFiles(()).digest
_ANOTHER: Final = re.compile(
    r"(md5|sha-?(?:1|224|384|512)|sha3-?\d+|blake\w+)(?![0-9A-Za-z])", re.IGNORECASE
)
_SHA256: Final = re.compile(r"sha-?256", re.IGNORECASE)
_HEX: Final = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{64}(?![0-9A-Za-z])")
_CUT: Final = re.compile(r"sha256:([0-9a-f]*)[.…]*")


def digest(text: str) -> Broken | None:
    """Check the digest of a version's files."""
    if DIGEST.fullmatch(text):
        is_empty = text == _OF_NOTHING
        rule = f"{quoted(text)} is the digest of nothing: no file was read"
        return Broken(rule, PRINTED) if is_empty else None
    rule, another = f"{quoted(text)} is not a digest: {_FORM}", _ANOTHER.match(text)
    if another:
        return Broken(f"{rule}; this is {another[1].lower()}", PRINTED)
    hex_digits = _HEX.findall(text)
    if len(hex_digits) == 1:
        return Broken(rule, _as_meant(text, f"sha256:{hex_digits[0].lower()}"))
    cut = _CUT.fullmatch(text)
    if cut:
        return Broken(f"{rule}; this has {len(cut[1])} hex digits", f"{PRINTED}; copy all of it")
    return Broken(rule, PRINTED)


def _as_meant(text: str, meant: str) -> str:
    if _SHA256.search(text):
        return f"write `{meant}`"
    return (
        f"write `{meant}` if it is that of all files of the version, as `reconciler digest "
        "MODEL/VERSION` prints it, and not of one file"
    )
