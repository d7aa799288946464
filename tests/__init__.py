"""The tests; tests/unit needs no server, and `make test-fast` runs it."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]  # of the checkout
