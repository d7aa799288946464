"""The app of examples/serving without its MLflow: at its start, while it serves, and afterwards."""

import shutil
from functools import partial
from pathlib import Path

from tests.support.registries.lab import Hand, Lab
from tests.support.registries.model_folders import ModelFolders
from tests.support.registries.servers import free_port, mlflow_server
from tests.support.registries.serving_lab import load_of, model_files, serving_app
from tests.support.repositories.git_lab import GitLab


def test_mlflow_may_be_away_at_the_start_and_later(sqlite_template: Path, tmp_path: Path) -> None:
    database, port = shutil.copy(sqlite_template, tmp_path / "server.db"), free_port()
    lab = Lab(GitLab.new(tmp_path), uri := f"http://127.0.0.1:{port}", Hand(uri))
    start = partial(mlflow_server, tmp_path, f"sqlite:///{database}", port=port)

    def champion(version: int) -> None:
        lab.declare("fraud", f"versions:\n  {version}: {{aliases: [champion]}}\n")
        assert lab.run("apply", "--yes").code == 0

    with serving_app(tmp_path, uri, "fraud") as app:
        app.wait_until(app.lives)
        assert app.wait_until_behind().status == 503
        assert app.invoke().status == 503

        with start():
            lab.hand.register("fraud")
            for answer in (1, 2):
                ModelFolders(lab.hand).register("fraud", model_files(answer))
            champion(1)
            app.wait_for(1)

        with load_of(app) as load:
            assert app.wait_until_behind().status == 200
            load.more(50)
        assert load.failed == []
        assert set(load.seen()) == {1}
        assert app.metric("model_in_step", role="champion") == 0

        with start():
            champion(2)
            app.wait_for(2)
            assert app.invoke().document == {"predictions": [2.0, 2.0]}

            # Registered anew, a model has other versions of the same numbers.
            lab.hand.call("DELETE", "registered-models/delete", name="fraud")
            lab.hand.register("fraud")
            for answer in (3, 4):
                ModelFolders(lab.hand).register("fraud", model_files(answer))
            lab.hand.alias("fraud", "champion", 2)
            app.wait_until(lambda: app.invoke().document == {"predictions": [4.0, 4.0]})
