"""Count the tests of a Bazel run: `test_summary.py EVENTS`, the file of --build_event_json_file.

Prints, for a person and as the last line for a machine, how many passed and failed. Tests that
pytest ran are counted one by one, other targets as one each.
"""

import json
import pathlib
import sys
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterator
from typing import Any


def results(events: pathlib.Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Label and result of every test action of the run, cached ones included."""
    for line in events.read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        if "testResult" in event:
            yield event["id"]["testResult"]["label"], event["testResult"]


def count(result: dict[str, Any]) -> Counter[str]:
    """The outcomes inside one target's report."""
    counts: Counter[str] = Counter()
    for output in result.get("testActionOutput", []):
        if output["name"] == "test.xml":
            report = urllib.request.url2pathname(urllib.parse.urlparse(output["uri"]).path)
            for case in ElementTree.parse(report).iter("testcase"):
                outcomes = {child.tag for child in case}
                if outcomes & {"failure", "error"}:
                    counts["failed"] += 1
                else:
                    counts["skipped" if "skipped" in outcomes else "passed"] += 1
    if result["status"] != "PASSED" and not counts["failed"]:
        counts["failed"] += 1  # It crashed or ran out of time, so its report does not tell.
    return counts


def main() -> None:
    targets = {label: count(result) for label, result in results(pathlib.Path(sys.argv[1]))}
    total = sum(targets.values(), Counter[str]())
    print(f"{total.total()} tests in {len(targets)} targets")
    print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")


if __name__ == "__main__":
    main()
