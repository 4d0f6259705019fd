"""What the models of all config tables have in common: a line, and a text that may not be blank."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from funnel_etl.core.values.text import lookup_key


def _not_blank(text: str) -> str:
    if not lookup_key(text):
        raise ValueError("must not be blank")
    return text


NAME = AfterValidator(_not_blank)
Name = Annotated[str, NAME]
"""A text that may not be blank; white space in it is collapsed."""


class Row(BaseModel):
    """A line of a table, whichever."""

    model_config = ConfigDict(extra="ignore", frozen=True)
