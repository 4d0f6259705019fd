"""Config tables against what they name: other tables, the code, the columns of sources. One line says what is wrong."""

from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import pytest

from funnel_etl.catalog import SOURCE_NAMES
from funnel_etl.core.config_checks import check_together, lost_most, misspelled_header
from funnel_etl.core.config_models import DEFAULT_METRICS, KEYS, TABLES, statuses_of
from funnel_etl.core.config_tables import Config, parse_table
from funnel_etl.core.errors import ConfigError
from funnel_etl.demo.config import DEMO_CONFIG
from funnel_etl.parts.marketing.contracts import SPEND_SOURCE, TOFU_LEADS_SOURCE
from funnel_etl.parts.sales.contracts import ASSIGNED_LEADS_SOURCE, SALES_SOURCE
from funnel_etl.sources.config_folder import table_bytes

pytestmark = pytest.mark.slow

PROFILES = (
    "name,type,category_mode,category,source_tag,topic_pattern\n"
    "acca_attended,webinar_attended,auto,,Webinar,*acca*\nacca_registered,registration,auto,,Webinar,*acca*\n"
    "law,webinar_attended,fixed,Law,Webinar,*law*|*legal (llb)*\n"
)
DUMP = ("_id", "netAmount", "paidAmount", "Created", "netAmountGST", "createdOn")


def tables(**texts: str) -> dict[str, pd.DataFrame]:
    return {name: parse_table(name, texts[name].encode() if name in texts else None) for name in TABLES}


def errors(header: tuple[str, ...] | None = None, **texts: str) -> dict[str, str]:
    names = SOURCE_NAMES | {"crm_sales": replace(SOURCE_NAMES["crm_sales"], header=header)}
    return {name: str(error) for name, error in check_together(tables(**texts), names).items()}


def metrics(*lines: str, header: tuple[str, ...] | None = DUMP, **texts: str) -> str:
    found = errors(header, metrics="\n".join(["name,value", *lines]) + "\n", **texts)
    assert set(found) <= {"metrics"}
    return found.get("metrics", "")


def test_the_tables_that_come_with_the_project_have_no_error() -> None:
    shipped = {name: (table_bytes(DEMO_CONFIG, name) or b"").decode() for name in TABLES}
    assert all(shipped.values())
    assert errors(**shipped) == {}
    assert [misspelled_header(name, text.encode()) for name, text in shipped.items()] == [None] * len(TABLES)


def test_every_pulled_source_is_known_with_its_documented_columns() -> None:
    documented = {
        "tofu_leads": TOFU_LEADS_SOURCE,
        "ad_spend": SPEND_SOURCE,
        "crm_assigned_leads": ASSIGNED_LEADS_SOURCE,
        "crm_sales": SALES_SOURCE,
    }
    assert {name: list(names.columns) for name, names in SOURCE_NAMES.items()} == {
        name: [column.name for column in columns] for name, columns in documented.items()
    }
    for name in ("revenue_column", "sale_date_column"):
        assert DEFAULT_METRICS[name] in (*SOURCE_NAMES["crm_sales"].amounts, *SOURCE_NAMES["crm_sales"].dates)


def test_every_table_is_known_by_columns_it_has() -> None:
    assert {name: set(KEYS[name]) - set(model.model_fields) for name, model in TABLES.items()} == {
        n: set() for n in TABLES
    }


# ---------------------------------------------------------------- metrics


@pytest.mark.parametrize(
    ("line", "what"),
    [
        pytest.param(
            "revenue_column,NetAmont",
            "config_csv/metrics.csv: line 2: column 'value': 'NetAmont' is no column of the CRM's newest sales "
            "(did you mean 'netAmount'?). Fix: revenue_column is one of netAmount, paidAmount",
            id="a_typing_error",
        ),
        pytest.param(
            "revenue_column,netAmountAfterPDD", "is no column of the CRM's newest sales", id="not_in_the_dump"
        ),
        pytest.param("revenue_column,createdOn", "'createdOn' holds no amounts", id="a_date_as_revenue"),
        pytest.param("sale_date_column,netAmount", "'netAmount' holds no dates", id="an_amount_as_date"),
        pytest.param("sale_date_column,creatdOn", "did you mean 'createdOn'?", id="a_date_column_misspelled"),
        pytest.param("exluded_statuses,failed", "did you mean 'excluded_statuses'?", id="a_setting_misspelled"),
        pytest.param("currency,INR", "'currency' is no setting", id="a_setting_that_there_is_not"),
    ],
)
def test_a_setting_that_names_nothing_is_an_error_with_what_it_may_mean(line: str, what: str) -> None:
    """`revenue_column,NetAmont` stopped sales, funnel and parity, and blamed the CRM."""
    assert what in metrics(line)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("revenue_column,net amount", id="any_spelling_of_a_documented_column"),
        pytest.param("revenue_column,netAmountGST", id="a_column_the_crm_has_added"),
        pytest.param("revenue_column,", id="blank_is_the_default"),
        pytest.param("sale_date_column,Created", id="a_date_the_crm_has_added"),
    ],
)
def test_a_column_that_the_newest_dump_has_may_be_named(line: str) -> None:
    assert metrics(line) == ""


def test_a_documented_column_under_another_spelling_of_the_team_is_in_the_dump() -> None:
    alias = "source,alias,column\ncrm_sales,Created,createdOn\n"
    header = ("_id", "netAmount", "Created")
    assert metrics("sale_date_column,createdOn", header=header, column_aliases=alias) == ""
    assert "newest sales" in metrics("sale_date_column,createdOn", header=header)


def test_before_the_first_dump_only_a_documented_column_misspelled_is_an_error() -> None:
    assert "did you mean 'netAmount'?" in metrics("revenue_column,NetAmont", header=None)
    assert metrics("revenue_column,paidAmount", "sale_date_column,Booked", header=None) == ""


def test_without_known_sources_no_column_is_checked() -> None:
    assert (
        check_together(tables(metrics="name,value\nrevenue_column,x\n", column_aliases="source,alias,column\na,b,c\n"))
        == {}
    )


def test_of_two_lines_for_a_setting_the_last_holds_and_that_is_no_error() -> None:
    """Somebody adds a line at the end: what was so before checks came stays so."""
    assert metrics("excluded_statuses,failed", "volume_weeks,8", "Excluded_Statuses,cancelled") == ""


SIGNS = [";", ",", " / ", "&", "\n", "：", "；", "、", "¦", ":", "•", " and ", " OR ", " + ", "+", " - ", " – "]


@pytest.mark.parametrize("sign", SIGNS)
def test_statuses_that_are_not_separated_by_a_bar_are_an_error_with_the_right_text(sign: str) -> None:
    """`failed;cancelled` was taken as one status: revenue rose by 6 %."""
    found = metrics(f'excluded_statuses,"failed{sign}cancelled|test"')
    assert "statuses are separated by |" in found
    assert "Fix: write failed|cancelled|test;" in found


def test_statuses_of_several_words_are_known_between_and_by_the_lists() -> None:
    found = metrics("excluded_statuses,refund due and failed|refund due", "counted_statuses,on hold or paid|on hold")
    assert "Fix: write refund due|failed|refund due;" in found
    assert "(and 1 more)" in found


def test_a_status_with_a_sign_between_letters_is_offered_as_one() -> None:
    """The advice was `N|A|failed`."""
    assert "Fix: write N\\/A|failed|lost;" in metrics("excluded_statuses,N/A|failed;lost")


@pytest.mark.parametrize(
    "value",
    [
        *("failed|cancelled", "failed|", "Part-paid|re-failed", "Refund in process - bank to confirm|failed"),
        *("paid in cash and by card", "Not paid|On hold", "Sandy|Oracle", "Refund \\- initiated", "C++ course"),
    ],
)
def test_ordinary_statuses_are_fine(value: str) -> None:
    assert metrics(f"excluded_statuses,{value}") == ""


def test_a_status_may_hold_a_separator_after_a_backslash() -> None:
    assert metrics('excluded_statuses,"Failed\\, bank|N\\/A"') == ""
    assert statuses_of("Failed\\, bank| N\\/A ||") == ["Failed, bank", "N/A"]
    assert statuses_of("Refund \\- done|Terms \\and fees|a\\：b|x\\y") == [
        "Refund - done",
        "Terms and fees",
        "a：b",
        "x\\y",
    ]


def test_a_status_in_both_lists_is_an_error() -> None:
    assert "line 3: column 'value': 'Failed' is in excluded_statuses too (line 2)" in metrics(
        "excluded_statuses,failed", "counted_statuses,success|Failed"
    )


def test_statuses_are_compared_without_case_and_blanks(config_of: Callable[..., Config]) -> None:
    config = config_of(metrics="name,value\nexcluded_statuses, Failed | not  Paid|\n")
    assert config.statuses("excluded_statuses") == {"failed", "not paid"}
    assert "success" in config.statuses("counted_statuses")


# ---------------------------------------------------------------- one table names another


@pytest.mark.parametrize(
    ("texts", "name", "what"),
    [
        pytest.param(
            {"funnels": "funnel\nWebinar\n", "funnel_mapping": "source,funnel\nA,Webinarr\n"},
            "funnel_mapping",
            "line 2: column 'funnel': 'Webinarr' is not in funnels.csv (did you mean 'Webinar'?)",
            id="funnel",
        ),
        pytest.param(
            {"funnels": "funnel\nWebinar\nApp\nwebinar\n"},
            "funnels",
            "lines 2 and 4 are the same funnel in two spellings",
            id="funnel_in_two_spellings",
        ),
        pytest.param(
            {"column_aliases": "source,alias,column\ncrm_sale,Net,netAmount\n"},
            "column_aliases",
            "column 'source': 'crm_sale' is no pulled source (did you mean 'crm_sales'?)",
            id="alias_of_no_source",
        ),
        pytest.param(
            {"column_aliases": "source,alias,column\ncrm_sales,Net,netAmont\n"},
            "column_aliases",
            "column 'column': 'netAmont' is no documented column of crm_sales (did you mean 'netAmount'?)",
            id="alias_of_no_column",
        ),
        pytest.param(
            {"column_aliases": "source,alias,column\ntofu_leads,Net,netAmount\n"},
            "column_aliases",
            "is no documented column of tofu_leads",
            id="alias_of_a_column_of_another_source",
        ),
        pytest.param(
            {"column_aliases": "source,alias,column\ncrm_sales,A b,netAmount\ncrm_sales,a_b,paidAmount\n"},
            "column_aliases",
            "lines 2 and 3 give the same alias different values",
            id="an_alias_of_two_columns",
        ),
        pytest.param(
            {"zoom_profiles": PROFILES, "webinar_overrides": "webinar_id,profile\n812 0000 2006,acca_atended\n"},
            "webinar_overrides",
            "'acca_atended' is not in zoom_profiles.csv (did you mean 'acca_attended'?)",
            id="override_of_no_profile",
        ),
        pytest.param(
            {
                "category_tokens": "token,category\nuscma,US CMA\n",
                "webinar_overrides": "webinar_id,category\n81200002006,US CMAA\n",
            },
            "webinar_overrides",
            "'US CMAA' is nearly the category 'US CMA'",
            id="override_of_nearly_a_category",
        ),
        pytest.param(
            {"webinar_overrides": "webinar_id,conductor\n812-0000-2006,Asha\n81200002006,Meera\n"},
            "webinar_overrides",
            "lines 2 and 3 give the same webinar_id different values of 'conductor'",
            id="two_conductors_of_one_webinar",
        ),
        pytest.param(
            {"zoom_profiles": PROFILES, "file_overrides": f"file_id,profile\n{'a' * 64},acca_atended\n"},
            "file_overrides",
            "'acca_atended' is not in zoom_profiles.csv (did you mean 'acca_attended'?)",
            id="override_of_a_file_with_no_profile",
        ),
        pytest.param(
            {"file_overrides": f"file_id,date_ratio\n{'a' * 64},0.5\n{'A' * 64},0.6\n"},
            "file_overrides",
            "lines 2 and 3 give the same file_id different values of 'date_ratio'",
            id="two_thresholds_of_one_file",
        ),
        pytest.param(
            {"zoom_profiles": PROFILES, "expected_exports": "profile,weekday,report\nacca,Monday,attendee\n"},
            "expected_exports",
            "'acca' is not in zoom_profiles.csv",
            id="expected_of_no_profile",
        ),
        pytest.param(
            {
                "zoom_profiles": PROFILES,
                "expected_exports": "profile,weekday,report\nacca_registered,Monday,attendee\n",
            },
            "expected_exports",
            "is of type registration: no attendee report is ever of it",
            id="expected_of_a_report_that_never_comes",
        ),
        pytest.param(
            {"zoom_profiles": PROFILES + "Law,webinar_attended,fixed,CD,Webinar,*cd*\n"},
            "zoom_profiles",
            "lines 4 and 5 give the same name different values",
            id="a_profile_twice",
        ),
        pytest.param(
            {"zoom_profiles": PROFILES + "cd,webinar_attended,fixed,,Webinar,*cd*\n"},
            "zoom_profiles",
            "column 'category': '' must not be blank where category_mode is fixed",
            id="a_fixed_category_that_is_blank",
        ),
        pytest.param(
            {"category_tokens": "token,category\nacca,ACCA\nACCA,CFA\n"},
            "category_tokens",
            "lines 2 and 3 give the same token",
            id="a_token_of_two_categories",
        ),
        pytest.param(
            {"conductors": "name,conductor\nAsha,Asha K\nasha ,Asha R\n"},
            "conductors",
            "lines 2 and 3 give the same name",
            id="a_name_of_two_conductors",
        ),
    ],
)
def test_what_names_nothing_or_two_things_is_told_by_line_column_and_value(
    texts: dict[str, str], name: str, what: str
) -> None:
    found = errors(**texts)
    assert list(found) == [name]
    assert found[name].startswith(f"config_csv/{name}.csv: line")
    assert what in found[name]


def test_lines_that_complete_each_other_and_new_categories_are_fine() -> None:
    lines = ("81200002006,Asha,,", "81200002006,,Guest talk,", "81200002006,asha,guest  TALK,ACCA_attended")
    overrides = "\n".join(["webinar_id,conductor,category,profile", *lines, ""])
    aliases = "source,alias,column\ncrm_sales,Net GST,netAmountGST\nCRM_Sales,Net,net amount\n"
    found = errors(
        DUMP,
        zoom_profiles=PROFILES,
        webinar_overrides=overrides,
        column_aliases=aliases,
        metrics="name,value\nrevenue_column,netAmountGST\n",
        expected_exports="profile,weekday,report\nacca_attended,Monday,registration\n",
    )
    assert found == {}


# ---------------------------------------------------------------- cells


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("placeholder_phones", "phone\n9.87E+09\n", id="placeholder"),
        pytest.param("placeholder_phones", "phone;note\n'9,87654e9;\n", id="decimal_comma"),
        pytest.param("webinar_overrides", "webinar_id\n8.12E+10\n", id="webinar_id"),
        pytest.param("manual_mapping", "sale_id,manual_value\n6.54E+23,walk-in\n", id="sale_id"),
        pytest.param("manual_mapping", "sale_id,manual_value\n654000000000000000000000,walk-in\n", id="in_full"),
    ],
)
def test_a_number_that_a_spreadsheet_has_rounded_is_refused_with_its_line(name: str, text: str) -> None:
    found = errors(**{name: text})[name]
    assert f"config_csv/{name}.csv: line 2: column" in found
    assert "a spreadsheet has rounded it" in found


def test_ids_that_only_look_like_rounded_numbers_are_fine() -> None:
    assert errors(manual_mapping="sale_id,manual_value\n66500e10,a\n665f00d000000000000000e1,b\ns1,c\n") == {}


@pytest.mark.parametrize(
    ("webinar_id", "what"),
    [
        *((text, "is not digits only") for text in ("81200002006.0", "id 812", "812,813")),
        *((text, "a webinar id has 8 to 13") for text in ("885 8860", "8120000200681200", "812-0000")),
    ],
)
def test_a_webinar_id_is_as_many_digits_as_zoom_s_have(webinar_id: str, what: str) -> None:
    assert what in errors(webinar_overrides=f'webinar_id\n"{webinar_id}"\n')["webinar_overrides"]
    assert errors(webinar_overrides="webinar_id\n812 0000 2006\n'88588600\n1234567890123\n") == {}


def test_a_placeholder_phone_may_come_as_a_number_and_has_no_more_digits_than_a_phone(
    config_of: Callable[..., Config],
) -> None:
    """`9876543210.0` became 98765432100, and matched nobody."""
    text = "phone\n9876543210.0\n+91 99999-12345\n0123456789.\n"
    assert errors(placeholder_phones=text) == {}
    assert config_of(placeholder_phones=text).placeholders == {"9876543210", "9999912345", "0123456789"}
    found = errors(placeholder_phones="phone\n9876543210 9876543211\n")
    assert "has 20 digits, more than any phone" in found["placeholder_phones"]


@pytest.mark.parametrize(
    ("pattern", "what"),
    [
        pytest.param("(acca|cfa)", "looks like a regular expression", id="alternatives_in_brackets"),
        pytest.param(".*acca.*", "looks like a regular expression", id="dots"),
        pytest.param("^acca$", "looks like a regular expression", id="anchors"),
        pytest.param(r"\bacca\b", "looks like a regular expression", id="word_ends"),
        pytest.param("*acca*;*cfa*", "they are separated by |", id="semicolons"),
        pytest.param("*acca*, *cfa*", "they are separated by |", id="commas"),
        pytest.param("*cfa* / *frm*", "they are separated by |", id="slash"),
        pytest.param("*cfa* or *frm*", "they are separated by |", id="or"),
        pytest.param("*(?:acca|cfa)*", "looks like a regular expression", id="group"),
        pytest.param(".*(acca.*|cfa.*)", "looks like a regular expression", id="alternatives_with_dots"),
        pytest.param("*[a|b]*", "looks like a regular expression", id="alternatives_in_square_brackets"),
    ],
)
def test_a_topic_pattern_that_cannot_fit_as_it_is_meant_is_refused(pattern: str, what: str) -> None:
    profile = f'name,type,category_mode,source_tag,topic_pattern\np,registration,auto,Webinar,"{pattern}"\n'
    assert what in errors(zoom_profiles=profile)["zoom_profiles"]


@pytest.mark.parametrize(
    "pattern",
    [
        *("*acca (day 1*", "*day 1)*", "*price $", "*(?)*", "*acca (day 1* | *day 2)*", "*(acca)* | *[cfa]*", "*m&a*"),
        *("*frm / cfa*", "*cfa or frm*", "*orchid*|*colour*", "*$*", "(live) * masterclass"),
    ],
)
def test_a_topic_pattern_with_signs_that_mean_themselves_is_fine(pattern: str) -> None:
    profile = f'name,type,category_mode,source_tag,topic_pattern\np,registration,auto,Webinar,"{pattern}"\n'
    assert errors(zoom_profiles=profile) == {}


@pytest.mark.parametrize("pattern", ["*notetaker*;*otter*", "*notetaker*|*otter*", "*notetaker* , *otter*"])
def test_several_patterns_in_one_cell_of_a_table_that_has_one_are_refused(pattern: str) -> None:
    """The advice was to separate them by |, which was accepted and matched nobody."""
    found = errors(bot_names=f'pattern\n"{pattern}"\n', campaign_mapping=f'utm_campaign,funnel\n"{pattern}",Unmapped\n')
    assert set(found) == {"bot_names", "campaign_mapping"}
    for text in found.values():
        assert "holds several patterns; each has a line of its own" in text
        assert "Fix: write words and *, as *acca*, one line per pattern" in text
    one = 'utm_campaign,funnel\n"cfa|nov|leads",Unmapped\n"*| nov *",Unmapped\n*cfa*/*nov*,Unmapped\n'
    assert errors(bot_names="pattern\n*notetaker | asha*\n", campaign_mapping=one) == {}


def test_a_bot_pattern_that_fits_everybody_is_refused() -> None:
    """Every attendee would be taken for a bot."""
    assert "fits everybody" in errors(bot_names="pattern\nfireflies.*\n*\n")["bot_names"]
    assert errors(bot_names="pattern\n*otter.ai*\n*(bot*\n", campaign_mapping="utm_source,funnel\n*,Unmapped\n") == {}


def test_an_error_holds_no_phone_and_no_e_mail() -> None:
    found = errors(
        DUMP,
        funnel_mapping="source,funnel\nA,98765 43210x\nB,Asha asha@example.com\n",
        metrics="name,value\n+919876543210,1\n",
        webinar_overrides="webinar_id,profile\n9876543210 asha@mail,\n",
    )
    text = " ".join(found.values())
    assert set(found) == {"funnel_mapping", "metrics", "webinar_overrides"}
    assert "(a number)" in text
    assert "43210" not in text
    assert "@" not in text
    with pytest.raises(ConfigError, match=r"'\(a number\)x': Input should be a valid date"):
        parse_table("closed_months", b"month\n98765 43210x\n")


def test_the_first_line_is_told_and_how_many_more() -> None:
    found = errors(funnels="funnel\nApp\n", funnel_mapping="source,funnel\nA,App\nB,Web\nC,Kiosk\n")
    assert "line 3: column 'funnel': 'Web' is not in funnels.csv (and 1 more)" in found["funnel_mapping"]


# ---------------------------------------------------------------- headers and losses


@pytest.mark.parametrize(
    ("name", "header", "meant"),
    [
        pytest.param("funnel_mapping", "source,funnel,valid_form", "valid_from", id="misspelled"),
        pytest.param("funnel_mapping", "sep=;\nsource;funnel;Valid from date", "valid_from", id="with_a_word_more"),
        pytest.param("webinar_overrides", "webinar_id,conducter", "conductor", id="another_table"),
    ],
)
def test_a_column_that_is_nearly_one_of_ours_is_refused_as_nobody_would_read_it(
    name: str, header: str, meant: str
) -> None:
    """`valid_form` was ignored: a dated mapping became one without days."""
    assert f"did you mean {meant!r}?" in str(misspelled_header(name, f"{header}\n".encode()))


def test_columns_of_the_team_s_own_are_fine() -> None:
    assert misspelled_header("funnel_mapping", b"source,funnel,owner,notes\n") is None
    assert misspelled_header("funnel_mapping", b"Source,Funnel,Valid From,Valid To,\n") is None


def lines(*sources: str) -> pd.DataFrame:
    return parse_table("funnel_mapping", "\n".join(["source,funnel", *(f"{one},App" for one in sources)]).encode())


TWELVE = [f"source {number}" for number in range(12)]


@pytest.mark.parametrize(
    ("before", "now", "gone"),
    [
        pytest.param(TWELVE, TWELVE[:6], 6, id="half"),
        pytest.param(TWELVE, [], 12, id="all"),
        pytest.param(TWELVE, TWELVE[:7], None, id="less_than_half"),
        pytest.param(TWELVE[:9], TWELVE[:1], None, id="few_lines"),
        pytest.param(TWELVE, [*TWELVE[:4], "new 1", "new 2"], 8, id="most_gone_and_some_new"),
        pytest.param(TWELVE, [f"new {number}" for number in range(12)], None, id="rewritten_with_as_many_lines"),
        pytest.param(TWELVE, [name.upper() for name in TWELVE[::-1]], None, id="another_order_and_case"),
        pytest.param([], TWELVE, None, id="a_first_version"),
    ],
)
def test_a_table_that_lost_most_of_its_lines_is_known(before: list[str], now: list[str], gone: int | None) -> None:
    loss = lost_most("funnel_mapping", lines(*before), lines(*now))
    assert (loss.gone if loss else None) == gone
    assert loss is None or str(loss) == f"{gone} of the 12 lines in force are gone"
