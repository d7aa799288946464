"""Ask the served model until a version answers; print the answer, and who answered before."""

import argparse
import json
import time
import urllib.error
import urllib.request

FLOWER = {
    "sepal length (cm)": 6.0,
    "sepal width (cm)": 2.9,
    "petal length (cm)": 4.5,
    "petal width (cm)": 1.5,
}


def ask(url: str) -> tuple[str, str]:
    """Return the version that answered, and its answer."""
    body = json.dumps({"dataframe_records": [FLOWER]}).encode()
    kind = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/invocations", body, kind)  # noqa: S310  as you gave it
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  the same
        return answer.headers["X-Model-Version"], answer.read().decode()


def main() -> None:
    """Ask ten times a second."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", required=True)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    options = parser.parse_args()
    seen, deadline = "", time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            version, answer = ask(options.url)
        except (urllib.error.URLError, OSError) as error:
            version, answer = "nothing", str(error)
        if version != seen:
            print(f"v{version}: {answer}" if version != "nothing" else "nothing serves yet")
            seen = version
        if version == options.version:
            return
        time.sleep(0.1)
    raise SystemExit(f"v{options.version} has not answered for a minute")


if __name__ == "__main__":
    main()
