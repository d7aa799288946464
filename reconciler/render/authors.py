"""Renders the people behind a commit: its author, its committer, the authors of merged commits."""

from reconciler.audit.merged_changes import MergedCommit, Person
from reconciler.render.json_documents import Document


def author(commit: MergedCommit) -> str:
    """Return the author, and the authors of the merged commits where they are others."""
    return _remarked(commit, _written(commit))


def author_and_committer(commit: MergedCommit) -> str:
    """Return the same with the committer, where that is not the author."""
    same = (commit.author, commit.author_email) == (commit.committer, commit.committer_email)
    return _remarked(commit, _written(commit), "" if same else f"committed by {commit.committer}")


def authors(commit: MergedCommit) -> list[Document]:
    """Return the authors of the commit, or of what a merge brought, for a JSON document."""
    return [{"name": person.name, "email": person.email} for person in commit.authors]


def listed(commit: MergedCommit) -> str:
    """Return the same people as one line of text."""
    return "; ".join(f"{person.name} <{person.email}>" for person in commit.authors)


def _written(commit: MergedCommit) -> str:
    own = Person(commit.author, commit.author_email)
    if [person.email.casefold() for person in commit.authors] == [own.email.casefold()]:
        return ""
    return f"written by {', '.join(person.name for person in commit.authors)}"


def _remarked(commit: MergedCommit, *remarks: str) -> str:
    remark = "; ".join(filter(None, remarks))
    return f"{commit.author} ({remark})" if remark else commit.author
