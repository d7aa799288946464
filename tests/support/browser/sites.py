"""The sites that the browser opens, each made once in a session: samples of every kind of page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pytest

from reconciler.audit.overview.model_overview import ModelOverview, Overview
from reconciler.render.page.paths import environment_path
from reconciler.render.page.site import site
from reconciler.render.page.views.index_view import ON_A_PAGE
from tests.support.page.environments import environments
from tests.support.page.fleet import fleet, offline

# What a page is called in the tests: its site, and its path there.
KINDS: Final[Mapping[str, tuple[str, str]]] = {
    "index": ("fleet", "index.html"),
    "about": ("fleet", "about.html"),
    "model with everything": ("fleet", "models/fraud-detection.html"),
    "drifted model": ("fleet", "models/chargeback-risk.html"),
    "refused model": ("fleet", "models/credit-limits.html"),
    "pending model": ("fleet", "models/feed-ranking.html"),
    "unmanaged model": ("fleet", "models/experiment-7f.html"),
    "index, offline": ("offline", "index.html"),
    "about, offline": ("offline", "about.html"),
    "model, offline": ("offline", "models/fraud-detection.html"),
    "index of a large fleet": ("large", "index.html"),
    "group of a large fleet": ("large", "groups/payments.html"),
    "environments": ("environments", "index.html"),
    "index of an environment": ("environments", environment_path("states/staging") + "index.html"),
    "index of nothing": ("nothing", "index.html"),
}


@dataclass
class Sites:
    """The folders of the sites, one for each sample."""

    folder: Path

    def page(self, kind: str) -> Path:
        """Return the page of that kind."""
        sample, path = KINDS[kind]
        return self.of(sample) / path

    def of(self, sample: str) -> Path:
        """Return the folder of a sample's site, which is made when it is first asked for."""
        root = self.folder / sample
        if not root.exists():
            write(root, site(_overviews(sample)))
        return root


@pytest.fixture(scope="session")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Sites:
    """Return the sites of the samples."""
    return Sites(tmp_path_factory.mktemp("sites"))


def write(root: Path, files: Mapping[str, bytes]) -> None:
    """Write the files of a site."""
    for path, page in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(page)


def large(number: int) -> Overview:
    """Return an environment of so many models, without their histories."""
    own = fleet()
    models = [
        replace(model, history=model.history[-1:], lanes=(), sides=(), comparison=None)
        for model in own.models
    ]
    return replace(own, models=tuple(_again(models, at) for at in range(number)))


def _again(models: Sequence[ModelOverview], at: int) -> ModelOverview:
    turn, place = divmod(at, len(models))
    model = models[place]
    return replace(model, model=f"{model.model}-{turn}") if turn else model


def _overviews(sample: str) -> Sequence[Overview]:
    match sample:
        case "fleet":
            return [fleet()]
        case "offline":
            return [offline(fleet())]
        case "large":
            return [large(ON_A_PAGE + 1)]
        case "environments":
            return environments()
        case _:
            return [replace(fleet(), models=(), unread=())]
