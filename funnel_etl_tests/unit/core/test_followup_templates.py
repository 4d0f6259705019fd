"""What may stand in a template: facts, and whether they are there. All else waits, with file and line."""

import re
import time

import pandas as pd
import pytest

from funnel_etl.core.config_tables import parse_table
from funnel_etl.core.followup_templates import VARIABLES, followup_faults, templates_of
from funnel_etl.settings import PROJECT
from funnel_etl.sources.config_folder import table_bytes

END = "\n{{ unsubscribe_line }}\n"


def faults(text: str, file: str = "hot.en.txt") -> list[str]:
    return [what for _, what, _ in followup_faults(pd.DataFrame([{"line": 2, "file": file, "text": text}]))]


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("Hi\n{{ ().__class__ }}" + END, 2, "not allowed"),
        ("Hi\nx\n{{ first_name.__class__ }}" + END, 3, "not allowed"),
        ("Hi\n{% for i in range(1000000000) %}x{% endfor %}" + END, 2, "a loop goes over"),
        ("Hi\n{% for a in questions %}{% for b in questions %}x{% endfor %}{% endfor %}" + END, 2, "a loop goes over"),
        ("Hi\n{{ frist_name }}" + END, 2, "'frist_name' is no fact"),
        ("Hi\n{% include 'x' %}" + END, 2, "not allowed"),
        ("Hi\n{{ first_name | attr('x') }}" + END, 2, "filter 'attr'"),
        ("Hi\n{{ 'x' * 1000000000 }}" + END, 2, "not allowed"),
        ("Hi\n{{ cycler }}" + END, 2, "is no fact"),
        ("Hi\n{% if first_name %}" + END, 3, "end"),
        ("Hi\nno way out of these mails\n", 1, "how to get no more mail"),
        ("\nbody" + END, 1, "one of them is empty"),
        (
            "Hi\n{{ attended_minutes ~ first_question | upper }}{{ questions | join(', ') }}" + END,
            1,
            "cannot be filled in",
        ),
    ],
)
def test_a_template_that_could_do_harm_is_refused_with_its_line(text: str, line: int, says: str) -> None:
    began = time.perf_counter()
    found = faults(text)
    assert time.perf_counter() - began < 1
    assert any(f"followups/hot.en.txt line {line}: " in what and says in what for what in found), found


@pytest.mark.parametrize("file", ["hot.txt", "hott.en.txt", "../hot.en.txt", "hot.en.md"])
def test_a_file_with_another_name_is_no_template(file: str) -> None:
    assert "its name is none of a template" in faults("Hi\nx" + END, file)[0]


@pytest.mark.parametrize("folder", [PROJECT / "config_csv", PROJECT / "funnel_etl/demo/config_csv"])
def test_the_templates_that_come_with_the_project_are_good_in_two_languages(folder: object) -> None:
    rows = parse_table("followups", table_bytes(folder, "followups"))  # type: ignore[arg-type]
    assert [what for _, what, _ in followup_faults(rows)] == []
    found = templates_of(rows)
    assert {language for _, language in found} == {"en", "hinglish"}
    assert {tier for tier, _ in found} == {"Hot", "Warm", "Cool", "Cold", "No-Show"}
    for template in found.values():
        for facts in ({"unsubscribe_line": "STOP"}, dict.fromkeys(VARIABLES, "1") | {"questions": ["1"]}):
            subject, body = template.render(facts)
            assert "\n" not in subject
            assert "STOP" in body or "1" in body
            assert not re.search(r"\bNone\b|\{\{|\n{3}", subject + body)
