"""An environment in which everybody who can write a text wrote one that is to harm its reader."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from reconciler.audit.evidence import Applied
from reconciler.audit.overview.lanes import Lane, LaneSpan
from reconciler.audit.overview.model_overview import ForgeLinks, Holder, ModelOverview, Overview
from reconciler.core.comparison import Comparison, side
from reconciler.core.declaring.inventory import Inventory
from reconciler.core.facts import Column, Facts, Run, Signature
from reconciler.core.plan import RegistryRef
from reconciler.core.state import Consumer, Field, Identity, Live, LiveVersion
from reconciler.core.violations import Violation
from tests.support.page.past import NOW, Past, declared

SCRIPT = '"><script>document.title="run"</script><img src=x onerror=document.title="run">'
ADDRESS = "javascript:document.title='run'"
BIDI = "\u202egnp.exe\u2066 \u200b\x1b[31m"
LONG = "<b>x</b>&\u202e" * 1_000_000
TEXTS = (SCRIPT, ADDRESS, BIDI, "{{ 7 * 7 }}{% raw %}", "'-alert(1)-'", "../../etc/passwd", LONG)


def hostile(*, texts: Sequence[str] = TEXTS) -> Overview:
    """Return an environment with a model for each of these texts, in every place it can stand."""
    return Overview(
        state=texts[0],
        now=NOW,
        models=tuple(_model(number, text) for number, text in enumerate(texts)),
        commit=texts[0],
        line=texts[2 % len(texts)],
        registry=RegistryRef(f"https://mlflow.example/{texts[0]}", texts[-1]),
        has_records=True,
        notes=texts[0],
        unread=tuple(texts),
        links=ForgeLinks("https://forge.example/{}", "javascript:{}"),
    )


def _model(number: int, text: str) -> ModelOverview:
    name = f"{text[:200]}{number}"
    now = declared(
        name,
        {1: "Production", 2: "Staging"},
        {text[:200] or "a": 1},
        hold=text,
        inventory=Inventory(text, text, text, date(2020, 1, 1), (text, ADDRESS)),
        consumers=(
            Consumer(text, "Production", text, ADDRESS),
            Consumer(text, f"@{text}", text, f"https://forge.example/{text[:100]}"),
        ),
    )
    past = Past(name)
    past.merge(3, now, text, text or "a", claimed=[text], verified=[text], accepted=[text])
    entry = past.entries[0]
    applied = Applied(NOW, text, text, text, ADDRESS, off_main=True, accepted=(f"{text}={name}",))
    entry = replace(entry, meaning=(text, text), applied=(applied, applied))
    live = Live(
        name,
        {**now.fields, Field("description"): text, Field("tag", None, text[:200]): text},
        {v: LiveVersion(Identity(text, text, 1_700_000_000_000)) for v in (1, 2)},
    )
    known = Facts(
        metrics={f"{text[:300]}{at}": float(at) for at in range(60)},
        params={text[:300]: text},
        run=Run(text, text, text, text, None, {"mlflow.source.git.commit": text}),
        signature=Signature((Column(text, text),), ()),
        missing=(text,),
    )
    other = replace(known, signature=Signature((Column("a", text),), ()), params={"a": "b"})
    sides = tuple(side(live, v, {1: known, 2: other}, {v: text}, {}) for v in (2, 1))
    return ModelOverview(
        name,
        "refused",
        group=text[:300],
        file=text,
        text=text,
        declaration=now,
        live=live,
        why=(text,) * 50,
        holders=(
            Holder(
                "Production", 1, serves=True, declared=2, since=NOW, is_applied=True, entry=entry
            ),
            Holder(f"@{text}", 2, entry=entry),
        ),
        lanes=(Lane(f"@{text}", (LaneSpan(1, NOW - timedelta(days=9), NOW, "applied", entry),)),),
        history=(entry,) * 300,
        sides=sides,
        comparison=Comparison(name, (text,), sides[0], sides[1]),
        violations=(Violation(text, name, text, text),),
    )
