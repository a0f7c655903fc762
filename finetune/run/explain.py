"""pydantic's findings in a run file -> problems in the words of the file, one for each place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from finetune.section import problem
from workbench.messages import Message, say

Model = TypeVar("Model", bound=BaseModel)
HIDDEN = "folder"  # a field that the reader sets and the file cannot
# pydantic's kinds of errors -> its own sentences as templates, so that they have their Chinese
SENTENCES = {
    "bool_parsing": "Input should be a valid boolean, unable to interpret input",
    "bool_type": "Input should be a valid boolean",
    "dict_type": "Input should be a valid dictionary",
    "finite_number": "Input should be a finite number",
    "float_parsing": "Input should be a valid number, unable to parse string as a number",
    "float_type": "Input should be a valid number",
    "greater_than": "Input should be greater than {gt}",
    "greater_than_equal": "Input should be greater than or equal to {ge}",
    "int_from_float": "Input should be a valid integer, got a number with a fractional part",
    "int_parsing": "Input should be a valid integer, unable to parse string as an integer",
    "int_type": "Input should be a valid integer",
    "less_than": "Input should be less than {lt}",
    "less_than_equal": "Input should be less than or equal to {le}",
    "list_type": "Input should be a valid list",
    "literal_error": "Input should be {expected}",
    "model_type": "Input should be a valid dictionary or instance of {class_name}",
    "path_type": "Input is not a valid path",
    "string_too_short": "String should have at least {min_length} character",
    "string_type": "Input should be a valid string",
    "too_short": (
        "{field_type} should have at least {min_length} item after validation, not {actual_length}"
    ),
}


def explain(found: ValidationError, model: type[BaseModel], file: str) -> list[dict[str, str]]:
    """A problem for each place in the file, with all that pydantic says about it."""
    rows: dict[str, dict[str, str]] = {}
    for error in found.errors():
        row = _explain_one(error, model, file)
        place = row["where"]
        if place in rows:  # the value fits none of the types that are allowed there
            earlier = rows[place]["problem"]
            both = say("{one}; or: {other}", one=earlier, other=row["problem"])
            row = {**rows[place], "problem": both}
        rows[place] = row
    return list(rows.values())


def without_faults(
    values: Mapping[str, Any], found: ValidationError, model: type[Model]
) -> Model | None:
    """The model of what the file says where it is right; None where too little is left."""
    rest: dict[str, Any] = {}
    for key, value in values.items():
        rest[key] = dict(value) if isinstance(value, dict) else value
    for error in found.errors():
        section, *keys = error["loc"][:2]
        if keys and isinstance(rest.get(str(section)), dict):
            rest[str(section)].pop(keys[0], None)
        else:
            rest.pop(str(section), None)
    try:
        return model(**rest)
    except ValidationError:
        return None


def _explain_one(error: Any, model: type[BaseModel], file: str) -> dict[str, str]:
    # deeper parts of the place are branches of a union, and indices
    parts = [str(part) for part in error["loc"][:2] if part != HIDDEN]
    place = ".".join(parts)
    if error["type"] == "extra_forbidden":
        known = ", ".join(_keys(model, parts[:-1]))
        return problem(place, say("no such setting"), say("Known here: {keys}.", keys=known))
    if error["type"] == "missing":
        return problem(place, say("missing"), say("Add {place} to {file}.", place=place, file=file))
    what = _sentence(error)
    if not isinstance(error["input"], dict):
        what = say("{problem} (found {value})", problem=what, value=repr(error["input"]))
    return problem(place, what, say("Correct {place} in {file}.", place=place, file=file))


def _sentence(error: Any) -> str:
    context = error.get("ctx", {})
    if error["type"] == "value_error":  # from a validator of our own
        return str(context["error"])
    template = SENTENCES.get(error["type"])
    if template is None:
        return error["msg"]
    return Message(template.format(**context), template, context)


def _keys(model: type[BaseModel], place: list[str]) -> list[str]:
    """The settings of a section, or of the whole file."""
    for section in place:
        annotation = model.model_fields[section].annotation
        kinds: Any = get_args(annotation) or [annotation]
        model = next(kind for kind in kinds if issubclass(kind, BaseModel))
    return [key for key in model.model_fields if key != HIDDEN]
