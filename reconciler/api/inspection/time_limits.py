"""From when to when a caller asks about merged changes."""

from datetime import datetime, timezone

from reconciler.audit.dates import DateLike, as_moment
from reconciler.audit.findings import Span
from reconciler.errors import UsageError


def time_limits(since: DateLike | None, until: DateLike | None) -> Span:
    """Return the span of time; raises `UsageError` for one that nothing can be in.

    Without that error such a question would look as if all were well.
    """
    now = datetime.now(timezone.utc)
    limits = Span(as_moment(since, is_end=False, now=now), as_moment(until, is_end=True, now=now))
    if limits.since is not None and limits.until is not None and limits.since > limits.until:
        raise UsageError(
            "the period ends before it begins",
            hint="`--since` (`--from`) is the earlier date, `--until` (`--to`) the later one",
        )
    return limits
