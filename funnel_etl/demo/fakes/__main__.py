"""`python -m funnel_etl.demo.fakes --port-file F`: the fakes until they are ended; F holds the port of each by name."""

import argparse
import json
from pathlib import Path

from funnel_etl.demo.fakes.server import Fake
from funnel_etl.demo.fakes.webengage import PER_MINUTE, FakeWebEngage
from funnel_etl.files import write_whole


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(description="WebEngage on loopback, as docs/delivery.md describes it")
    parser.add_argument("--port-file", type=Path, required=True, help="JSON: name of the fake, port")
    parser.add_argument("--key", default="demo-key")
    parser.add_argument("--licence", default="in~demo")
    parser.add_argument("--per-minute", type=int, default=PER_MINUTE)
    given = parser.parse_args()
    fake = Fake(lambda: FakeWebEngage(given.key, given.licence, given.per_minute))
    write_whole(given.port_file, json.dumps({"webengage": fake.port}).encode())
    fake.serve()


if __name__ == "__main__":
    main()
