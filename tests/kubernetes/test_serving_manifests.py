"""examples/serving/kubernetes: what is rendered is valid, and its parts fit each other."""

import copy
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from reconciler.forges.ci_environment import pipeline
from tests import ROOT
from tests.support.kubernetes.manifests import Cluster, Manifest, complaint, documents

_EXAMPLES = ROOT / "examples"
_SERVING = _EXAMPLES / "serving" / "kubernetes"
_SECRETS = documents((_SERVING / "secrets.yaml").read_text(encoding="utf-8"))
_PLAIN = sorted((*(_EXAMPLES / "kubernetes").glob("*.yaml"), _SERVING / "secrets.yaml"))
_MODELS = {
    "one": {"fraud-detection": "alias:champion"},
    "many": {
        "churn-prediction": "stage:Production",
        "fraud-detection": "alias:champion",
        "price-forecast": "pinned:3",
    },
}
_CONFINED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


@pytest.fixture(name="rendered", scope="module", params=_MODELS)
def _rendered(request: pytest.FixtureRequest, cluster: Cluster) -> list[Manifest]:
    return cluster.rendered(_SERVING / "overlays" / request.param)


def _of(rendered: list[Manifest], kind: str) -> list[Manifest]:
    found = [document for document in rendered if document["kind"] == kind]
    assert found
    return found


def _pods(rendered: list[Manifest]) -> Iterator[Manifest]:
    for deployment in _of(rendered, "Deployment"):
        yield deployment["spec"]["template"]["spec"]
    for cronjob in _of(rendered, "CronJob"):
        yield cronjob["spec"]["jobTemplate"]["spec"]["template"]["spec"]


def _containers(rendered: list[Manifest]) -> Iterator[Manifest]:
    for pod in _pods(rendered):
        yield from (*pod.get("initContainers", ()), *pod["containers"])


# --- the schemas


@pytest.mark.parametrize("file", _PLAIN, ids=lambda file: f"{file.parent.parent.name}/{file.name}")
def test_each_document_that_is_applied_as_it_is_is_valid(file: Path) -> None:
    found = documents(file.read_text(encoding="utf-8"))
    assert found
    assert [told for document in found if (told := complaint(document))] == []


def test_each_document_that_is_rendered_is_valid(rendered: list[Manifest]) -> None:
    core = [document for document in rendered if document["kind"] != "ServiceMonitor"]
    assert len(core) == len(rendered) - 1
    assert [told for document in core if (told := complaint(document))] == []


def test_the_monitor_is_valid_and_a_mistake_in_any_document_is_found(cluster: Cluster) -> None:
    rendered = cluster.rendered(_SERVING / "overlays" / "one")
    for kind in ("Deployment", "Service", "PodDisruptionBudget", "ConfigMap", "CronJob"):
        wrong = copy.deepcopy(_of(rendered, kind)[0])
        wrong["sepc"] = {}
        assert "'sepc' was unexpected" in complaint(wrong), kind
    deployment = copy.deepcopy(_of(rendered, "Deployment")[0])
    deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailible"] = 0
    assert "'maxUnavailible' was unexpected" in complaint(deployment)
    (monitor,) = _of(rendered, "ServiceMonitor")
    misspelt, wrong = copy.deepcopy(monitor), copy.deepcopy(monitor)
    misspelt["spec"]["endpoints"][0]["pth"] = "/metrics"
    wrong["spec"]["endpoints"][0]["interval"] = "soon"
    told = cluster.complaints_on_monitors([monitor, misspelt, wrong])
    assert told[0] == ""
    assert "'\"pth\"' does not exist in type" in told[1]
    assert "endpoints/0/interval must match pattern" in told[2]


# --- the names


def test_every_document_has_a_name_of_its_own(rendered: list[Manifest]) -> None:
    names = [(document["kind"], document["metadata"]["name"]) for document in rendered]
    assert len(set(names)) == len(names)
    assert {namespace for d in rendered if (namespace := d["metadata"].get("namespace"))} == set()


def test_each_model_has_its_own_settings_and_follows_in_its_own_way(cluster: Cluster) -> None:
    for overlay, models in _MODELS.items():
        rendered = cluster.rendered(_SERVING / "overlays" / overlay)
        settings = [document["data"] for document in _of(rendered, "ConfigMap")]
        assert {each["MODEL"]: each["FOLLOW"] for each in settings} == models
        named = {
            document["metadata"]["name"]: document["data"]["MODEL"]
            for document in _of(rendered, "ConfigMap")
        }
        used = [
            source["configMapRef"]["name"]
            for deployment in _of(rendered, "Deployment")
            for container in deployment["spec"]["template"]["spec"]["containers"]
            for source in container["envFrom"]
            if "configMapRef" in source
        ]
        assert sorted(used) == sorted(named)


def test_a_service_and_a_budget_mean_the_pods_of_one_deployment(rendered: list[Manifest]) -> None:
    deployments = _of(rendered, "Deployment")
    pods = {
        each["metadata"]["name"]: each["spec"]["template"]["metadata"]["labels"]
        for each in deployments
    }
    for deployment in deployments:
        name = deployment["metadata"]["name"]
        selectors = [
            deployment["spec"]["selector"]["matchLabels"],
            *(
                d["spec"]["selector"]
                for d in _of(rendered, "Service")
                if d["metadata"]["name"] == name
            ),
            *(
                d["spec"]["selector"]["matchLabels"]
                for d in _of(rendered, "PodDisruptionBudget")
                if d["metadata"]["name"] == name
            ),
        ]
        assert len(selectors) == 3
        for selector in selectors:
            assert selector
            meant = [pod for pod, labels in pods.items() if selector.items() <= labels.items()]
            assert meant == [name]


def test_prometheus_scrapes_each_service_once(rendered: list[Manifest]) -> None:
    (monitor,) = _of(rendered, "ServiceMonitor")
    selector = monitor["spec"]["selector"]["matchLabels"]
    services = _of(rendered, "Service")
    assert [s for s in services if not selector.items() <= s["metadata"]["labels"].items()] == []
    (endpoint,) = monitor["spec"]["endpoints"]
    assert {port["name"] for s in services for port in s["spec"]["ports"]} == {endpoint["port"]}


def test_every_secret_that_is_used_has_its_keys_in_the_example(rendered: list[Manifest]) -> None:
    known = {document["metadata"]["name"]: set(document["stringData"]) for document in _SECRETS}
    used = {
        source["secretRef"]["name"]
        for container in _containers(rendered)
        for source in container["envFrom"]
        if "secretRef" in source
    }
    assert used == set(known)
    registry = {"MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"}
    assert all(registry <= known[name] for name in used if not known[name] & {"GIT_CONFIG_COUNT"})


# --- what they promise


def test_a_pod_goes_only_when_another_one_answers(rendered: list[Manifest]) -> None:
    for deployment in _of(rendered, "Deployment"):
        spec = deployment["spec"]
        assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
        assert spec["replicas"] >= 2
        pod = spec["template"]["spec"]
        (container,) = pod["containers"]
        wait = int(container["lifecycle"]["preStop"]["exec"]["command"][-1])
        unready = container["readinessProbe"]["periodSeconds"]
        assert unready < wait < pod["terminationGracePeriodSeconds"] - _shutdown()
    for budget in _of(rendered, "PodDisruptionBudget"):
        assert budget["spec"]["maxUnavailable"] == 1


def _shutdown() -> int:
    text = (_SERVING / "Dockerfile").read_text(encoding="utf-8")
    found = re.search(r'"--timeout-graceful-shutdown", "(\d+)"', text)
    assert found
    return int(found[1])


def test_no_container_can_do_more_than_its_work(rendered: list[Manifest]) -> None:
    for pod in _pods(rendered):
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert all({"emptyDir", "configMap"} & volume.keys() for volume in pod["volumes"])
    for container in _containers(rendered):
        assert container["securityContext"] == _CONFINED
        assert container["resources"]["limits"]["memory"]
        assert re.fullmatch(r"registry\.example\.com/[a-z-]+:\d+\.\d+\.\d+", container["image"])


def test_only_apply_may_write_the_registry_and_no_two_jobs_of_a_kind_run_at_once(
    rendered: list[Manifest],
) -> None:
    jobs = {each["metadata"]["name"]: each["spec"] for each in _of(rendered, "CronJob")}
    assert set(jobs) == {"reconciler-apply", "reconciler-watch"}
    assert {spec["concurrencyPolicy"] for spec in jobs.values()} == {"Forbid"}
    pods = {name: spec["jobTemplate"]["spec"]["template"]["spec"] for name, spec in jobs.items()}
    given: dict[str, set[str]] = {
        name: {
            source["secretRef"]["name"]
            for container in (*pod["initContainers"], *pod["containers"])
            for source in container["envFrom"]
        }
        for name, pod in pods.items()
    }
    assert given["reconciler-watch"] == {"reconciler-forge", "reconciler-watch"}
    assert given["reconciler-apply"] == {"reconciler-git", "reconciler-apply"}
    clones = [pod["initContainers"][0] for pod in pods.values()]
    assert len({tuple(chain(clone["command"], clone["args"])) for clone in clones}) == 1


def test_the_watch_is_a_job_of_the_forge(rendered: list[Manifest]) -> None:
    """Without that it would forget what it has seen, and could open no pull request."""
    watch = next(d for d in _of(rendered, "CronJob") if d["metadata"]["name"] == "reconciler-watch")
    (container,) = watch["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    environ: dict[str, Any] = {each["name"]: each["value"] for each in container["env"]}
    for secret in _SECRETS:
        if secret["metadata"]["name"] in str(container["envFrom"]):
            environ |= secret["stringData"]
    job = pipeline(environ)
    assert (job.system, job.repository, job.token) == ("github", "acme/models", "REPLACE")
