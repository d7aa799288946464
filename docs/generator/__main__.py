"""Writes docs/reference/: `python -m docs.generator`."""

from docs.generator.reference import REFERENCE, pages

for name, text in pages().items():
    (REFERENCE / name).write_text(text, encoding="utf-8")
