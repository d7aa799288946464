"""How many requests an apply sends: on a server with basic-auth each costs 0.3 s."""

import pytest

from reconciler.registries.responses import RECENT
from tests.support.registries.lab import Lab
from tests.support.registries.servers import proxy

_SERVES_1 = "versions: {1: {stage: Production, aliases: [champion]}}\n"
_SERVES = "versions: {%d: {stage: Production, aliases: [champion]}}\n"
_PLAN = 2  # the two listings


# Not more than a page of them: those of one minute are listed, because clocks may differ.
@pytest.mark.parametrize("versions", [10, RECENT - 10])
def test_one_promotion_is_eleven_requests_however_many_versions_there_are(
    lab: Lab, versions: int
) -> None:
    model = lab.model(versions)
    lab.hand.stage(model, 1, "Production")
    lab.hand.alias(model, "champion", 1)
    lab.declare(model, _SERVES_1)
    with proxy(lab.uri) as server:
        lab.uri = server.uri
        first = lab.run("apply", "--yes", "--model", model)
        recorded = len(server.log)
        lab.declare(model, _SERVES % versions)
        second = lab.run("apply", "--yes", "--model", model)
        promoted = len(server.log) - recorded
        third = lab.run("plan", "--model", model, "--detailed-exitcode")
    assert (first.code, second.code, third.code) == (0, 0, 0), first.text + second.text
    assert recorded == _PLAN + 3, "a first record"
    assert promoted == _PLAN + 9
    assert f"{promoted} requests" in second.stdout
    assert lab.hand.holds(model)["v1 stage"] == "Archived"


def test_a_plan_in_which_no_version_enters_reads_no_file_of_those_with_a_digest(lab: Lab) -> None:
    model = lab.model(2)
    lab.hand.stage(model, 1, "Production")
    lab.hand.alias(model, "champion", 1)
    serves = "{stage: Production, aliases: [champion]%s}"
    digest = ", digest: 'sha256:" + "0" * 64 + "'"
    with proxy(lab.uri) as server:
        lab.uri = server.uri
        for pin in ("", digest):
            lab.declare(model, f"versions: {{1: {serves % pin}}}\n")
            begun = len(server.log)
            assert lab.run("plan", "--model", model, "--detailed-exitcode").code == 0
            assert len(server.log) - begun == _PLAN
