"""Who may import whom, read from the source; that the parts meet only in `funnel`, read from the asset graph."""

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import funnel_etl
from funnel_etl_tests.whole import defs

PACKAGE = Path(funnel_etl.__file__).parent
WIRING = ("assets", "definitions", "sensor", "partitions")
"""Modules of a part that speak to Dagster; everything else in a part is plain Python over frames."""
PLACES = {
    "marketing": "parts/marketing",
    "sales": "parts/sales",
    "funnel": "marts/funnel",
    "parity": "marts/parity",
    "changes": "observe/changes",
    "watch": "observe/completeness",
    "alerts": "observe/alerts",
    "delivery": "delivery/webengage",
}
"""Part → its folder."""

ENVIRONMENT_READERS = {
    "settings.py": "the settings",
    "sources/connect/network_errors.py": "names the variable of requests that is to blame: of a proxy, of a CA file",
    "operate/run/services.py": "hands the whole environment on to the programs it starts",
    "operate/run/dagster_home.py": "sets DAGSTER_HOME, which Dagster itself reads",
    "operate/rerun/replaying.py": "hands the whole environment on to the replay it starts",
    "app/frame/serve.py": "hands the whole environment on to the page's program",
    "bench/nights.py": "hands the environment on to the nights it measures, without the settings in it",
    "demo/deliveries/story.py": "hands the whole environment on to the senders it starts and kills",
    "platform/postgres/embedded_place.py": "keeps PATH and LD_LIBRARY_PATH for the server it starts, and nothing else",
}


def modules(folder: str = "") -> list[Path]:
    found = sorted((PACKAGE / PLACES.get(folder, folder)).rglob("*.py"))
    assert found, f"nothing to scan in {folder}"
    return found


def imported(path: Path) -> Iterator[str]:
    """Every module a file imports, also inside functions; names of `from x import y` as `x.y`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute, or this test cannot read them"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def offenders(paths: list[Path], *forbidden: str) -> list[str]:
    return [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path in paths
        for name in imported(path)
        if any(name == root or name.startswith(f"{root}.") for root in forbidden)
    ]


def test_the_scan_sees_imports_in_functions_and_of_submodules(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(
        "import os.path\ndef f():\n    from funnel_etl.parts.sales import assets\n    import dagster as dg\n"
    )
    assert list(imported(path)) == ["os.path", "funnel_etl.parts.sales.assets", "dagster"]


ROOMS = (
    *(
        "core",
        "files",
        "locks",
        "env_file",
        "settings",
        "sources",
        "platform",
        "parts",
        "delivery",
        "catalog",
        "environment",
        "marts",
        "observe",
    ),
    *(
        "maintenance",
        "automation",
        "resources",
        "assembly",
        "definitions",
        "operate",
        "demo",
        "bench",
        "app",
        "session",
        "cli_deliver",
        "cli_engagement",
        "cli",
    ),
)
"""The folders and files of the package, the lowest first: each may import what stands before it, and nothing after."""


def module_name(path: Path) -> str:
    name = ".".join(("funnel_etl", *path.relative_to(PACKAGE).with_suffix("").parts))
    return name.removesuffix(".__init__")


def own_imports() -> dict[str, set[str]]:
    """Module → the modules of ours it imports, also inside functions."""
    paths = {module_name(path): path for path in modules()}
    found: dict[str, set[str]] = {}
    for name, path in paths.items():
        ours = [each for each in imported(path) if each == "funnel_etl" or each.startswith("funnel_etl.")]
        found[name] = {each if each in paths else each.rpartition(".")[0] for each in ours} - {name}
    return found


def room(module: str) -> str:
    return module.split(".")[1]


def test_no_arrow_runs_back_up() -> None:
    found = {name: imports - {"funnel_etl"} for name, imports in own_imports().items() if name != "funnel_etl"}
    assert {room(name) for name in found} == set(ROOMS), "a folder or file whose place is not said here"
    up = [
        f"{name} imports {other}"
        for name, imports in found.items()
        for other in imports
        if ROOMS.index(room(other)) > ROOMS.index(room(name))
    ]
    assert len(found) > 250
    assert up == []


def test_no_imports_go_round_in_a_circle() -> None:
    order = list(graphlib.TopologicalSorter(own_imports()).static_order())  # raises CycleError with the circle
    assert len(order) > 250


def test_no_module_reads_the_settings_while_it_is_imported() -> None:
    names = [module_name(path) for path in modules()]
    names.remove("funnel_etl.definitions")
    code = """
import importlib, os, sys
from funnel_etl import settings
def refuse(*_, **__): raise AssertionError("the settings are read")
settings.Settings.__init__ = settings.load_settings = refuse
class Guarded(type(os.environ)):
    def __getitem__(self, name):
        assert not name.startswith("FUNNEL_"), name
        return super().__getitem__(name)
os.environ.__class__ = Guarded
for name in sys.argv[1:]: importlib.import_module(name)
"""
    done = subprocess.run([sys.executable, "-c", code, *names], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(names) > 250


REACHING_OUT = ("requests", "urllib3", "urllib.request", "http.client", "smtplib", "ftplib", "apprise", "gspread")


WRITING = ("observe/alerts/delivery.py", "delivery/webengage/adapter.py", "marts/engagement/model.py")
"""What writes to the outside: messages to people, what the ledger says to a destination, and what a model is asked."""
INSIDE = ("operate/run/launch.py",)
"""What speaks to a program of our own: Dagster's web server, which begins a night."""


def test_only_alerts_and_delivery_write_to_the_outside() -> None:
    """Whatever else speaks to another system fetches from it, and lives in `sources/connect`."""
    speaking = {path for path in modules() if offenders([path], *REACHING_OUT)}
    assert len(speaking) > 3
    at = {str(path.relative_to(PACKAGE)) for path in speaking}
    assert {place for place in at if not place.startswith(("sources/connect/", *WRITING, *INSIDE))} == set()
    writing = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in speaking
        if path.parent.name == "connect"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Constant) and node.value in {"POST", "PUT", "PATCH", "DELETE"})
        or (
            (isinstance(node, ast.Attribute) and node.attr in {"post", "put", "patch", "delete", "batch_update"})
            and not ast.unparse(node).endswith("landing.put")
        )
    ]
    assert writing == []


def test_the_engine_of_delivery_knows_no_part_and_no_destination_but_in_its_wiring() -> None:
    wiring = {"definitions.py", "opened.py"}
    engine = [path for path in (PACKAGE / "delivery").glob("*.py") if path.name not in wiring]
    assert len(engine) > 10
    assert offenders(engine, "funnel_etl.parts", "funnel_etl.marts", "funnel_etl.delivery.webengage", "dagster") == []


@pytest.mark.parametrize("module", ["keys", "rows", "outcome", "due", "plan", "pace", "calls", "report"])
def test_what_decides_about_a_delivery_knows_neither_database_nor_network_nor_clock(module: str) -> None:
    path = PACKAGE / "delivery" / f"{module}.py"
    assert offenders([path], "sqlalchemy", "requests", "dagster", "funnel_etl.platform", "funnel_etl.settings") == []


@pytest.mark.parametrize(("part", "other"), [("marketing", "sales"), ("sales", "marketing")])
def test_the_parts_never_import_each_other_nor_what_joins_them(part: str, other: str) -> None:
    assert offenders(modules(part), f"funnel_etl.parts.{other}", "funnel_etl.marts", "funnel_etl.assembly") == []


def test_what_is_sent_knows_of_the_parts_only_their_contracts() -> None:
    ours = {(path, name) for path in modules("delivery") for name in imported(path) if ".parts." in f".{name}"}
    own = {f"{path.name}: {name}" for path, name in ours if "funnel_etl.parts." in name and ".contracts." not in name}
    assert len(ours) > 3
    assert own == set()
    above = ("catalog", "marts", "observe", "operate", "maintenance")
    assert offenders(modules("delivery"), *(f"funnel_etl.{room}" for room in above)) == []


@pytest.mark.parametrize("part", ["marketing", "sales", "funnel"])
def test_parity_hangs_on_the_others_and_nothing_hangs_on_parity(part: str) -> None:
    assert offenders(modules(part), "funnel_etl.marts.parity") == []


@pytest.mark.parametrize("part", ["marketing", "sales", "funnel", "parity", "watch"])
def test_what_changed_is_told_of_the_parts_and_no_part_knows_of_it(part: str) -> None:
    assert offenders(modules(part), "funnel_etl.observe.changes") == []


@pytest.mark.parametrize("part", ["marketing", "sales", "funnel", "parity"])
def test_the_watch_looks_at_the_parts_and_no_part_knows_of_it(part: str) -> None:
    assert offenders(modules(part), "funnel_etl.observe.completeness", "funnel_etl.observe.alerts") == []


def test_the_watch_knows_nothing_of_alerts() -> None:
    assert offenders(modules("watch"), "funnel_etl.observe.alerts") == []


@pytest.mark.parametrize("module", ["contracts", "causes", "messages", "delivery"])
def test_what_an_alert_says_and_how_it_is_handed_over_knows_neither_dagster_nor_a_database(module: str) -> None:
    assert offenders([PACKAGE / PLACES["alerts"] / f"{module}.py"], "dagster", "sqlalchemy", "funnel_etl.operate") == []


def test_core_imports_no_dagster_no_sqlalchemy_and_nothing_else_of_ours() -> None:
    assert offenders(modules("core"), "dagster", "sqlalchemy", "adbc_driver_postgresql", "psycopg2", "requests") == []
    ours = [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path in modules("core")
        for name in imported(path)
        if name.startswith("funnel_etl.") and not name.startswith("funnel_etl.core.")
    ]
    assert ours == []


@pytest.mark.parametrize("part", ["marketing", "sales", "funnel", "parity", "changes", "watch", "delivery"])
def test_what_is_not_wiring_imports_neither_dagster_nor_sqlalchemy(part: str) -> None:
    paths = [path for path in modules(part) if path.stem not in WIRING]
    assert len(paths) > 3
    assert offenders(paths, "dagster", "sqlalchemy") == []


@pytest.mark.parametrize(
    "module",
    [
        "parts/marketing/leads.py",
        "parts/marketing/spend.py",
        "parts/marketing/contracts.py",
        "parts/marketing/zoom/reader/read.py",
        "parts/marketing/zoom/clean/reports.py",
        "parts/marketing/zoom/clean/occurrences.py",
        "parts/marketing/zoom/clean/registrations.py",
        "parts/marketing/zoom/clean/attendance.py",
        "parts/marketing/zoom/clean/bootcamps.py",
        "parts/sales/assigned_leads.py",
        "parts/sales/sales.py",
        "parts/sales/final_funnel.py",
        "parts/sales/history.py",
        "parts/sales/contracts.py",
        "marts/funnel/m0/m0.py",
        "marts/funnel/revenue/deltas.py",
        "marts/funnel/touches.py",
        "marts/funnel/attributed_sales.py",
        "marts/funnel/facts.py",
        "marts/funnel/data_version.py",
        "marts/funnel/conservation.py",
        "marts/funnel/contracts.py",
        "marts/funnel/journeys/journeys.py",
        "marts/funnel/journeys/handover.py",
        "marts/funnel/journeys/scorecards.py",
        "marts/funnel/attribution/attribution.py",
        "marts/funnel/attribution/cohorts.py",
        "marts/funnel/m0/closed_months.py",
        "marts/funnel/m0/restatements.py",
        "marts/funnel/worklist/worklist.py",
        "marts/funnel/worklist/undecided_sales.py",
        "marts/funnel/worklist/source_lines.py",
        "marts/funnel/worklist/similar_names.py",
        "marts/parity/decompose.py",
        "marts/parity/lookups.py",
        "marts/parity/m0.py",
        "marts/parity/sales.py",
        "marts/parity/spend.py",
        "marts/parity/zoom_tab.py",
        "marts/parity/diff.py",
        "delivery/candidates_contract.py",
        *(f"delivery/webengage/{name}.py" for name in ("candidates", "conditions", "consent", "contracts", "keys")),
        *(f"delivery/webengage/{name}.py" for name in ("payloads", "reasons", "rows", "rules", "users")),
        "observe/changes/contracts.py",
        "observe/changes/decompose.py",
        "observe/changes/matching.py",
        "observe/changes/rows.py",
        "observe/changes/render.py",
        "observe/changes/zoom.py",
        "observe/completeness/completeness.py",
        "observe/completeness/missing_exports.py",
        "observe/completeness/contracts.py",
        "observe/completeness/usual.py",
        "observe/completeness/volumes.py",
        "observe/completeness/volume_contracts.py",
        "observe/alerts/contracts.py",
        "observe/alerts/causes.py",
        "observe/alerts/messages.py",
    ],
)
def test_a_transform_knows_no_lake_no_source_no_setting_and_no_environment(module: str) -> None:
    roots = ("platform", "sources", "settings", "resources", "definitions", "demo", "cli")
    forbidden = ("os", "pathlib", "requests", "upath", *(f"funnel_etl.{root}" for root in roots))
    assert offenders([PACKAGE / module], *forbidden) == []


def test_only_the_settings_read_the_environment_but_for_the_modules_named_here() -> None:
    readers = set()
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
            if name in {"environ", "environb", "getenv", "getenvb", "BaseSettings"}:
                readers.add(str(path.relative_to(PACKAGE)))
    assert "settings.py" in readers
    assert readers - set(ENVIRONMENT_READERS) == set()


def ancestors(key: object, graph: object) -> set[object]:
    found, rest = set(), [key]
    while rest:
        for parent in graph.get(rest.pop()).parent_keys:  # type: ignore[attr-defined]
            if parent not in found:
                found.add(parent)
                rest.append(parent)
    return found


@pytest.mark.parametrize(("part", "other"), [("marketing", "sales"), ("sales", "marketing")])
def test_no_asset_of_a_part_depends_on_one_of_the_other_however_far_up(part: str, other: str) -> None:
    graph = defs.resolve_asset_graph()
    own = [key for key in graph.get_all_asset_keys() if graph.get(key).group_name == part]
    assert len(own) > 3
    crossing = [
        f"{key.to_user_string()} depends on {parent.to_user_string()}"
        for key in own
        for parent in ancestors(key, graph)
        if graph.get(parent).group_name == other
    ]
    assert crossing == []


def test_the_facts_do_depend_on_both_parts() -> None:
    graph = defs.resolve_asset_graph()
    keys = {key.to_user_string(): key for key in graph.get_all_asset_keys()}
    groups = {graph.get(parent).group_name for parent in ancestors(keys["mart/funnel_facts"], graph)}
    assert {"marketing", "sales"} <= groups
