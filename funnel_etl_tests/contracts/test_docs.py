"""The docs and the code say the same, and every link leads somewhere."""

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest

from funnel_etl.assembly import TABLES
from funnel_etl.catalog import SOURCES
from funnel_etl.core.tables.dictionary import as_markdown, reasons_markdown
from funnel_etl.delivery.report import LEDGER_REASONS
from funnel_etl.delivery.webengage.reasons import DELIVERY_REASONS
from funnel_etl.environment import load_settings
from funnel_etl.marts.funnel.contracts import DISTINCT, MEASURES, RATES, UNIT_COSTS
from funnel_etl.marts.parity.reasons import PARITY_REASONS
from funnel_etl.observe.changes.contracts import CAUSES
from funnel_etl.settings import PROJECT, Login, Settings, setting_names

PLACES = setting_names(SOURCES.values())
SETTINGS = [*PLACES]
OTHER_PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "config_csv/README.md"]
PAGES = [PROJECT / name for name in OTHER_PAGES] + sorted((PROJECT / "docs").rglob("*.md"))
LINK = re.compile(r"(?<!`)!?\[[^\]]*\]\(([^)\s]+)\)")


def _without_code(text: str) -> str:
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


def _anchors(page: Path) -> set[str]:
    """The anchors that Markdown viewers make of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_link_of_a_page_leads_to_a_file_and_a_heading_that_are_there(page):
    for link in LINK.findall(_without_code(page.read_text())):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in _anchors(target), link


def test_every_test_a_page_names_is_there():
    tests = [path.relative_to(PROJECT).as_posix() for path in (PROJECT / "funnel_etl_tests").rglob("*")]
    named = [
        (page.name, name)
        for page in PAGES
        for name in re.findall(
            r"\b(?:unit|integration|golden|contracts)/[\w/]+(?:\.py)?|\btest_\w+\.py", page.read_text()
        )
    ]
    assert len(named) > 40
    assert [(page, name) for page, name in named if not any(f"/{path}".endswith(f"/{name}") for path in tests)] == []


def test_the_pages_have_links_at_all():
    assert sum(len(LINK.findall(_without_code(page.read_text()))) for page in PAGES) > 50


def test_the_settings_page_lists_exactly_the_settings():
    listed = re.findall(r"^\| `(FUNNEL_\w+)` \|", (PROJECT / "docs/settings.md").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(SETTINGS)


def test_the_example_file_lists_exactly_the_settings():
    listed = re.findall(r"^(FUNNEL_\w+)=", (PROJECT / ".env.example").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(SETTINGS)


def default(place: str) -> object:
    """The default of a setting, by the place of its value."""
    field, _, rest = place.partition(".")
    if field == "logins":
        return Login.model_fields[rest.partition(".")[2]].default
    return None if field == "addresses" else Settings.model_fields[field].default


@pytest.mark.parametrize("page", ["docs/settings.md", ".env.example"])
def test_the_defaults_on_a_page_are_the_defaults(page):
    text = (PROJECT / page).read_text()
    pattern = r"^\| `(FUNNEL_\w+)` \| `([^`]+)` \|" if page.endswith(".md") else r"^(FUNNEL_\w+)=(.+)$"
    shown = dict(re.findall(pattern, text, re.MULTILINE))
    fields = {name: default(place) for name, place in PLACES.items()}
    assert set(shown) == {name for name, default in fields.items() if default is not None}
    for name, value in shown.items():
        assert type(fields[name])(value) == fields[name], name


def test_the_example_file_is_read_as_if_nothing_were_set(monkeypatch, tmp_path):
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    nothing = load_settings()
    (tmp_path / ".env").write_bytes((PROJECT / ".env.example").read_bytes())
    read = load_settings()
    assert read.logins.pop("crm") == Login()
    assert read == nothing


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("data-dictionary.md", as_markdown(TABLES)),
        ("reasons.md", reasons_markdown(PARITY_REASONS, CAUSES, DELIVERY_REASONS, LEDGER_REASONS)),
    ],
    ids=["dictionary", "reasons"],
)
def test_a_generated_page_is_what_the_code_says(page, text):
    assert (PROJECT / "docs" / page).read_text() == text, "run `make docs`"


def test_the_command_prints_the_dictionary_of_the_docs():
    program = Path(sys.executable).with_name("funnel-etl")
    printed = subprocess.run([program, "dictionary"], check=True, capture_output=True, text=True).stdout
    assert printed == (PROJECT / "docs/data-dictionary.md").read_text()


@pytest.mark.parametrize("name", [*MEASURES, *DISTINCT, *RATES, *UNIT_COSTS])
def test_every_measure_and_rate_is_on_the_metrics_page(name):
    assert f"| `{name}` |" in (PROJECT / "docs/metrics.md").read_text()


@pytest.mark.parametrize("name", [*RATES, *UNIT_COSTS])
def test_the_metrics_page_gives_the_formula_of_the_code(name):
    top, bottom = {**RATES, **UNIT_COSTS}[name]
    assert f"| `{name}` | `{top}` / `{bottom}` |" in (PROJECT / "docs/metrics.md").read_text()


def test_decisions_are_numbered_without_a_gap_and_short():
    pages = sorted((PROJECT / "docs/decisions").glob("[0-9]*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    assert len(pages) >= 10
    index = (PROJECT / "docs/decisions/README.md").read_text()
    for page in pages:
        assert len(page.read_text().splitlines()) <= 30, page.name
        assert f"({page.name})" in index
