"""The pages that are made of the code, by their file below docs/reference/."""

from pathlib import Path
from typing import Final

from docs.generator.api_page import api_page
from docs.generator.commands_page import commands_page
from docs.generator.conditions_page import conditions_page
from docs.generator.settings_page import settings_page

REFERENCE: Final = Path(__file__).parents[1] / "reference"


def pages() -> dict[str, str]:
    """Return each page, made anew."""
    return {
        "api.md": api_page(),
        "commands.md": commands_page(),
        "conditions.md": conditions_page(),
        "settings.md": settings_page(),
    }
