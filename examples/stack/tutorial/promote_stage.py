"""Put a version of `iris_clf` into a stage, and an alias on it: in git, then in the registry."""

import argparse

import reconciler


def main() -> None:
    """Edit the model's file, commit the edit, apply the commit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", type=int, required=True)
    parser.add_argument("--stage", choices=["Staging", "Production"], required=True)
    parser.add_argument("--alias", action="append", default=[])
    options = parser.parse_args()

    registry = reconciler.open("registry-state")
    edit = registry.promote("iris_clf", options.version, stage=options.stage, aliases=options.alias)
    edit.commit()
    print(registry.apply(registry.plan()).to_text())


if __name__ == "__main__":
    main()
