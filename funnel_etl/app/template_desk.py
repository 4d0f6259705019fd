"""Writing the templates of follow-ups, with what they make of a made-up person beside them. A part of Mappings."""

import streamlit as st

from funnel_etl.app.access import Role
from funnel_etl.app.acting import asked
from funnel_etl.app.markdown import literal, sentence
from funnel_etl.app.noted import save_noted
from funnel_etl.app.visit import Visit
from funnel_etl.core.config_engagement import FOLLOWUPS
from funnel_etl.core.errors import FunnelError
from funnel_etl.core.followup_templates import LANGUAGE, TIER_FILES, VARIABLES
from funnel_etl.operate.mappings import templates
from funnel_etl.operate.mappings.save import can_save

MAY_WRITE = frozenset({Role.OPERATOR, Role.ANALYST, Role.SALES})
DELETED = "template-deleted"
NEW = "A new one …"
PEOPLE = {"Of whom everything is known": templates.EVERYTHING, "Of whom little is known": templates.LITTLE}


def show_templates(visit: Visit) -> None:
    """Show one template to edit, what it makes, and the texts it had."""
    st.caption("What is written to whom after a webinar: a text for each tier and language. Nothing is sent by itself.")
    file = _chosen(visit)
    if file is None:
        return
    now = templates.open_text(visit.settings, file)
    base, turn = _desks().setdefault(file, (now, 0))
    left, right = st.columns(2, gap="medium")
    with left:
        text = st.text_area("The first line is the subject", base.text, height=420, key=f"template-{file}-{turn}")
        _show_names()
    with right:
        _show_filled_in(file, text)
    wrong = templates.faults(file, text) if text or now.data is not None else []
    for what, fix in wrong:
        st.error(f"{sentence(what)} What to do: {literal(fix)}.")
    if now.data != base.data:
        _show_meanwhile(file, base, now, text)
    elif text == base.text:
        st.caption("As saved." if now.data is not None else "It is not there: write it, or bring an earlier text back.")
    if text != now.text and not wrong and can_save(visit.settings):
        label = "Save" if now.data == base.data else "Save mine in its place"
        if st.button(label, type="primary", icon=":material/save:", key="template-save"):
            _save(visit, now, text)
    _show_delete(visit, now)
    _show_earlier(visit, now)


def _desks() -> dict[str, tuple[templates.Text, int]]:
    """Return what this person has before them: by file the text that was looked at, and which text area it is in."""
    found: dict[str, tuple[templates.Text, int]] = st.session_state.setdefault("template-desks", {})
    return found


def _lay_out(file: str, now: templates.Text) -> None:
    _desks()[file] = now, _desks()[file][1] + 1


def _show_meanwhile(file: str, base: templates.Text, now: templates.Text, text: str) -> None:
    """Show that somebody else has saved the text, and what it is now; one that was not edited here is taken."""
    if text == base.text:
        _lay_out(file, now)
        st.rerun()
    st.warning("Somebody has saved this text since you began. Yours is still here, and is not saved yet. Theirs is:")
    st.code(now.text, language=None, wrap_lines=True)
    if st.button("Take theirs", icon=":material/undo:", key="template-theirs"):
        _lay_out(file, now)
        st.rerun()


def _chosen(visit: Visit) -> str | None:
    names = templates.files(visit.settings)
    gone = set(st.session_state.setdefault(DELETED, set())) - set(names)
    if st.toggle("Deleted ones, too", key="template-show-deleted"):
        gone |= {*templates.deleted(visit.settings)}
    chosen = st.selectbox(
        "Template",
        [*names, *sorted(gone), NEW],
        format_func=lambda file: f"{_title(file)} (deleted)" if file in gone else _title(file),
        key="template-file",
    )
    if chosen != NEW:
        return str(chosen)
    tier = st.selectbox("Tier", list(TIER_FILES), format_func=lambda one: TIER_FILES[one], key="template-tier")
    language = st.text_input("Language, as en or hinglish", key="template-language").strip().lower()
    if language and not LANGUAGE.fullmatch(language):
        st.error("A language is written in letters from a to z alone, as en, hi or hinglish.")
        return None
    return f"{tier}.{language}.txt" if language else None


def _title(file: str) -> str:
    tier, _, rest = file.partition(".")
    return file if file == NEW else f"{TIER_FILES.get(tier, tier)}, {rest.removesuffix('.txt')}"


def _show_names() -> None:
    with st.expander("What a template may name"):
        st.markdown("\n".join(f"- `{{{{ {name} }}}}`: {literal(what)}" for name, what in VARIABLES.items()))
        st.markdown("A fact may be missing: `{% if first_question %} … {% endif %}` leaves out what needs it.")


def _show_filled_in(file: str, text: str) -> None:
    who = st.radio("For a made-up person", list(PEOPLE), horizontal=True, key="template-person")
    made = templates.filled_in(file, text, PEOPLE[who or next(iter(PEOPLE))])
    with st.container(border=True):
        if made is None:
            st.caption("It cannot be filled in yet: see below.")
            return
        subject, body = made
        st.markdown(f"**{literal(subject)}**")
        st.text(body)


def _require(visit: Visit) -> None:
    if not visit.person.may(MAY_WRITE):
        raise FunnelError(
            "only the sales lead, operators and analysts edit templates", fix="ask the engineer for one of these roles"
        )


def _show_delete(visit: Visit, now: templates.Text) -> None:
    """Offer to delete a template, after a question: who is of its tier gets no draft from then on."""
    if now.data is None or not can_save(visit.settings):
        return
    question = f"Delete {_title(now.file)}? From the next night on nobody gets a draft by it. Its texts are kept."
    if asked(f"delete-{now.file}", "Delete it", question, "Yes, delete it"):
        _require(visit)
        table = {FOLLOWUPS: templates.as_table(visit.settings, now.file, None)}
        save_noted(visit, table, lambda: templates.delete(visit.settings, now))
        visit.did("deleted a template", now.file)
        st.session_state[DELETED].add(now.file)
        st.session_state.pop("template-desks")
        st.session_state["mappings-said"] = f"Deleted {now.file}. Its earlier texts are below, under Earlier texts."
        st.rerun()


def _save(visit: Visit, now: templates.Text, text: str) -> None:
    """Save a template over the text that was looked at; who and when stands in the log."""
    _require(visit)
    table = {FOLLOWUPS: templates.as_table(visit.settings, now.file, text)}
    save_noted(visit, table, lambda: templates.save_text(visit.settings, now, text))
    _lay_out(now.file, templates.open_text(visit.settings, now.file))
    st.session_state["mappings-said"] = f"Saved {now.file}. The next night writes by it; the text before is kept below."
    st.rerun()


def _show_earlier(visit: Visit, now: templates.Text) -> None:
    st.divider()
    if not st.toggle("Earlier texts", key="template-earlier"):
        return
    found = {one.file_id: one for one in templates.earlier(visit.settings, now)}
    if not found:
        st.info("No other text of it is kept.")
        return
    chosen = st.selectbox("Text of", list(found), format_func=lambda one: found[one].title, key="template-version")
    st.code(found[chosen].text, language=None, wrap_lines=True)
    if can_save(visit.settings) and st.button("Bring this one back", icon=":material/history:"):
        if templates.faults(now.file, found[chosen].text):
            st.error("A night would not take this text any more. Copy what you need of it.")
        else:
            _save(visit, now, found[chosen].text)
