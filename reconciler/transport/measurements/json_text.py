"""Parses JSON strictly: what two readers would understand differently is refused."""

import json

from reconciler.transport.measurements.unmeasured import Unmeasured


def parse_json(body: bytes, where: str) -> object:
    """Return the document; raises `Unmeasured`."""
    try:
        # RFC 8259 lets a reader ignore a byte order mark.
        return json.loads(
            body.decode("utf-8-sig"), object_pairs_hook=_unique, parse_constant=_no_number
        )
    except UnicodeDecodeError:
        why = "is not UTF-8"
    except RecursionError:
        why = "nests too deeply"
    except _NotOneMeaningError as error:
        why = str(error)
    except ValueError:  # also a number of more digits than Python takes
        why = "is not JSON"
    raise Unmeasured(f"{where} {why}")


class _NotOneMeaningError(Exception):
    pass


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _NotOneMeaningError("is JSON with a key twice")
    return found


def _no_number(word: str) -> object:
    raise _NotOneMeaningError(f"has `{word}`, which is not JSON")
