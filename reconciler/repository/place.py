"""Where a checkout declares its models: the folder, its name, and each model's file in it."""

from collections.abc import Callable, Mapping
from functools import cached_property

from reconciler.core.declaring.declared_state import DeclaredState
from reconciler.core.declaring.implied import as_written
from reconciler.core.settings import Settings
from reconciler.core.state import Declaration


class Place:
    """A checkout's state folder: its path, the name it goes by, and what is declared in it now.

    `desired` is called when a model is first asked about: settings can be read before the files.
    """

    def __init__(
        self, folder: str, settings: Settings, desired: Callable[[], DeclaredState]
    ) -> None:
        self.folder = folder
        self.name = settings.registry.name if settings.registry else None
        self._desired = desired

    @cached_property
    def files(self) -> Mapping[str, str]:
        """Each model's file below the folder."""
        return {
            name: declaration.file.removeprefix(f"{self.folder}/")
            for name, declaration in self._desired().declarations.items()
        }

    @cached_property
    def read(self) -> Mapping[tuple[str, str], Declaration]:
        """The declarations by blob and path, for commits that have a file as the checkout does.

        As the files write them: what else they mean depends on a commit's settings.
        """
        desired = self._desired()
        return {
            (desired.ids[name], path): as_written(desired.declarations[name])
            for name, path in self.files.items()
            if name in desired.ids
        }
