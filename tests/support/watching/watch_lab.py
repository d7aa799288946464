"""A model that serves a second version, a source that measures it, and looks at any time."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import reconciler
from reconciler import Watched
from tests.support.forges.ci_lab import MAIN, V1, CiLab, System, ci_lab
from tests.support.registries.lab import Lab
from tests.support.registries.servers import Answer, Proxy, Request, proxy

SERVED_TWO = "versions:\n  1: {stage: Archived}\n  2: {stage: Production, aliases: [champion]}\n"
MINUTE = timedelta(minutes=1)


@dataclass
class WatchLab:
    """A desk whose registry is behind a recorder; `told` is what the source says of a model."""

    ci: CiLab
    registry: Proxy
    source: Proxy
    told: dict[str, Answer | dict[str, object]] = field(default_factory=dict)
    now: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    said: list[str] = field(default_factory=list)

    @property
    def lab(self) -> Lab:
        return self.ci.lab

    def rule(
        self,
        extra: str = "",
        *,
        fail: str = "value > 0.1",
        name: str = "errors",
        keys: str = "samples: samples",
    ) -> str:
        """Return a rule that asks the source; `keys` are those besides the value's."""
        source = f"value: value, {keys}"
        place = f"{self.source.uri}/$model/$version"
        more = f", {extra}" if extra else ""
        return f"{{name: {name}, source: {{json: '{place}', {source}}}, fail: '{fail}'{more}}}"

    def promoted(self, *rules: str, **settings: str) -> str:
        """Return a model whose v2 serves in the place of v1: merged, applied and recorded."""
        (model,) = self.all_promoted(1, *rules, **settings)
        return model

    def all_promoted(self, count: int, *rules: str, settings: str = "") -> list[str]:
        """Return several models of that kind, applied at once."""
        models = [self.lab.model(2) for _ in range(count)]
        for key in ("name", "email"):
            self.lab.git.git("config", f"user.{key}", "ada@example.com")
        self.ci.settle(settings)
        for content in (V1, SERVED_TWO):
            watch = "" if content == V1 else f"watch: [{', '.join(rules or (self.rule(),))}]\n"
            files = {
                f"registry-state/{model}.yaml": f"{content.rstrip()}\n{watch}" for model in models
            }
            self.lab.git.commit(dict(files), "declare")
            self.apply()
        return models

    def apply(self) -> None:
        """Apply what is committed on the main line; what is read or written from then on counts."""
        self.ci.push()
        applied = self.lab.run("apply", "--yes", "--record-push", "origin")
        assert applied.code == 0, applied.text
        self.now = datetime.now(timezone.utc)
        self.registry.requests.clear()

    def tell(self, model: str, value: object, **more: object) -> None:
        """Have the source say a value from now on."""
        self.told[model] = {"value": value, "samples": 1000, **more}

    def look(
        self, after: timedelta = 20 * MINUTE, *, job: bool = True, **arguments: Any
    ) -> Watched:
        """Look once, some time after the last look, as a job does or as a person."""
        self.now += after
        self.said.clear()
        return self.api(job=job).watch(now=self.now, **arguments)

    def api(
        self, *, job: bool = True, environ: Mapping[str, str] | None = None
    ) -> reconciler.Reconciler:
        kept = {"PATH": os.environ["PATH"]} | self.lab.git.env
        around = self.ci.around("schedule") if environ is None and job else environ or {}
        return reconciler.open(
            root=self.lab.git.root,
            environ={**kept, **around, "MLFLOW_REGISTRY_URI": self.lab.uri},
            warn=self.said.append,
        )

    def failing(self, model: str, looks: int = 3, **arguments: Any) -> Watched:
        """Have a version fail in as many looks as make a verdict, and return the last one."""
        self.tell(model, 0.5)
        for _ in range(looks - 1):
            self.look(**arguments)
        return self.look(**arguments)

    def only_read(self) -> bool:
        """Return whether the registry was asked and never written to since the set-up."""
        asked = [(one.method, one.path.partition("?")[0]) for one in self.registry.requests]
        return all(m == "GET" or p.endswith("/search") for m, p in asked)

    def untouched(self) -> tuple[str, ...]:
        """Return what a look must leave as it is in the checkout: HEAD, branches, index, files."""
        git = self.lab.git.git
        index = (self.lab.git.root / ".git" / "index").read_bytes().hex()
        heads = git("for-each-ref", "refs/heads")
        return git("rev-parse", "--symbolic-full-name", "HEAD"), heads, index, git("status", "-s")

    def branches(self) -> list[str]:
        """Return the branches of the remote besides the main line."""
        listed = self.ci.remote.git("for-each-ref", "--format=%(refname:short)", "refs/heads")
        return [name for name in listed.splitlines() if name != MAIN]


@contextmanager
def watch_lab(lab: Lab, folder: Path, system: System = "github") -> Iterator[WatchLab]:
    """Put a source, a forge and a remote beside a desk."""
    with proxy(lab.uri) as registry, ci_lab(lab, folder, system) as ci, proxy() as source:
        found, lab.uri = WatchLab(ci, registry, source), registry.uri

        def answer(request: Request) -> Answer:
            told = found.told.get(request.path.strip("/").split("/")[0], Answer(404))
            return told if isinstance(told, Answer) else Answer(200, json.dumps(told).encode())

        source.before = answer
        yield found
