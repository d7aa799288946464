"""What past commits declared of an A/B test: the same tags that loading their files gave."""

from reconciler.core.declaring.ab_tests import ROLE_TAG
from reconciler.core.settings import Settings
from reconciler.core.state import Declaration
from reconciler.files import loader
from reconciler.repository.declared_history import Past
from tests.support.repositories.git_lab import GitLab, opened
from tests.support.repositories.past_lab import PARSERS, STATE, model, past, place_of, since

TESTED = """\
versions:
  1: {stage: Production, aliases: [live], traffic: 0.9}
  2: {stage: Staging, traffic: 0.1}
"""


def roles(declaration: Declaration | None) -> dict[int | None, object]:
    assert declaration is not None
    fields = declaration.fields.items()
    return {address.version: value for address, value in fields if address.key == ROLE_TAG}


def test_what_was_declared_has_the_tags_of_its_test_as_what_is_loaded_has(lab: GitLab) -> None:
    lab.commit({f"{STATE}/fraud.yaml": TESTED, f"{STATE}/churn.yaml": model(1)})
    with past(lab) as history:
        desired = loader.load(lab.root / STATE, STATE)
        for name in ("fraud", "churn"):
            assert history.declared(history.head, STATE, name) == desired.declarations[name]
        assert roles(desired.declarations["fraud"]) == {1: "control", 2: "treatment"}
        assert since(lab, history.head) == set()


def test_the_roles_of_a_test_are_those_by_the_settings_of_its_commit(lab: GitLab) -> None:
    moved = TESTED.replace("aliases: [live], ", "").replace("2: {", "2: {aliases: [live], ")
    first = lab.commit({f"{STATE}/fraud.yaml": moved})
    settings = f"{STATE}/reconciler.yaml"
    second = lab.commit({settings: "serving: {alias: live}\n"})
    third = lab.commit({settings: "serving: {stage: Production}\n"})
    with past(lab) as history:
        found = [roles(history.declared(one, STATE, "fraud")) for one in (first, second, third)]
    assert found == [
        {1: "control", 2: "treatment"},
        {1: "treatment", 2: "control"},
        {1: "control", 2: "treatment"},
    ]


def test_the_control_of_a_test_is_what_serves_that_model(lab: GitLab) -> None:
    moved = TESTED.replace("aliases: [live], ", "").replace("2: {", "2: {aliases: [live], ")
    globs = "serving: {models: {rec-*: {alias: live}}}\n"
    settings = {f"{STATE}/reconciler.yaml": globs}
    own = f"serving: {{alias: live}}\n{moved}"
    files = {f"{STATE}/{name}.yaml": moved for name in ("rec-a", "b")} | {f"{STATE}/c.yaml": own}
    lab.commit(settings | files)
    with past(lab) as history:
        desired = loader.load(lab.root / STATE, STATE)
        for name in ("rec-a", "b", "c"):
            assert history.declared(history.head, STATE, name) == desired.declarations[name]
        controls = {
            name: next(v for v, role in roles(declared).items() if role == "control")
            for name, declared in desired.declarations.items()
        }
    assert controls == {"rec-a": 2, "b": 1, "c": 2}


def test_since_a_commit_a_test_that_changed_has_changed(lab: GitLab) -> None:
    base = lab.commit({f"{STATE}/fraud.yaml": TESTED, f"{STATE}/churn.yaml": TESTED})
    again = TESTED.replace("0.9", "0.8").replace("0.1", "0.2")
    lab.commit({f"{STATE}/fraud.yaml": again, f"{STATE}/churn.yaml": f"# said\n{TESTED}"})
    assert since(lab, base) == {"fraud"}


def test_settings_that_do_not_change_are_read_once(lab: GitLab) -> None:
    settings = {f"{STATE}/reconciler.yaml": "serving: {stage: Production}\n"}
    lab.commit({f"{STATE}/fraud.yaml": TESTED, f"{STATE}/churn.yaml": model(1)} | settings)
    commits = [lab.commit({f"{STATE}/churn.yaml": model(n)}) for n in range(2, 6)]
    read: list[str] = []

    def counting(data: bytes, file: str) -> Settings:
        read.append(file)
        return loader.parse_settings(data, file)

    with opened(lab) as repo:
        assert repo.head is not None
        place = place_of(loader.load(lab.root / STATE, STATE))
        parsers = PARSERS._replace(settings=counting)
        history = Past(repo, parsers, place, head=repo.head, main=None)
        for commit in commits:
            assert history.declared(commit, STATE, "churn") is not None
        assert len(read) == 1
        for commit in commits:
            assert roles(history.declared(commit, STATE, "fraud"))[1] == "control"
        assert len(read) == 1
