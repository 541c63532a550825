"""Route templates of HTTP triggers: `a/{b}`, `{b?}`, `{b=x}`, `{b:int:min(1)}`, `file.{ext}`, `{*rest}`."""

import re
from dataclasses import dataclass

from loopback.functions.http.constraints import Check, parse_constraint


@dataclass(frozen=True)
class Parameter:
    """A part of a path in braces."""

    name: str
    rest: bool
    """It takes all segments that are left, as `{*rest}` does."""
    checks: list[Check]
    optional: bool
    default: str | None


Segment = list[str | Parameter]


class Route:
    """A template below a prefix. Matching ignores case."""

    def __init__(self, prefix: str, template: str) -> None:
        """Read a template; raises `ValueError` that quotes it if it is malformed."""
        self.template = template.strip("/")
        self._parameters: dict[str, Parameter] = {}
        try:
            segments = _segments(self.template)
            expression = re.escape(f"/{prefix}") if prefix else ""
            expression += "".join(self._expression_of(segment, last=segment is segments[-1]) for segment in segments)
        except ValueError as error:
            raise ValueError(f"the route {self.template!r} can't be used: {error}") from error
        self.rank = [_rank(segment) for segment in segments]
        """A more exact route has a lower rank."""
        self._expression = re.compile(expression + "/?", re.IGNORECASE)

    def match(self, path: str) -> dict[str, str] | None:
        """Return the parameters of a path; None if it is not one of this route."""
        match = self._expression.fullmatch(path)
        if match is None:
            return None
        values = {name: value for name, value in match.groupdict().items() if value}
        if not all(_is_valid(self._parameters[name], value) for name, value in values.items()):
            return None
        defaults = {
            name: parameter.default for name, parameter in self._parameters.items() if parameter.default is not None
        }
        return {**defaults, **values}

    def _expression_of(self, segment: Segment, *, last: bool) -> str:
        expression, before = "", ""
        whole = len(segment) == 1
        for part in segment:
            if isinstance(part, str):
                expression, before = expression + re.escape(part), part
                continue
            self._add(part)
            if part.rest and not (whole and last):
                raise ValueError(f"{part.name!r} takes the rest of the path, so it must be the last segment")
            value = f"(?P<{part.name}>{'.*' if part.rest else '[^/]+'})"
            if part.optional and not whole:
                if part is not segment[-1] or not before.endswith("."):
                    raise ValueError(f"{part.name!r} is optional, so no text but a dot may stand beside it")
                expression = expression.removesuffix(re.escape(".")) + f"(?:{re.escape('.')}{value})?"
            else:
                expression += value
        only = segment[0]
        may_be_missing = (
            whole and isinstance(only, Parameter) and (only.optional or only.rest or only.default is not None)
        )
        return f"(?:/{expression})?" if may_be_missing else f"/{expression}"

    def _add(self, parameter: Parameter) -> None:
        if parameter.name.casefold() in {name.casefold() for name in self._parameters}:
            raise ValueError(f"the parameter {parameter.name!r} is there twice")
        self._parameters[parameter.name] = parameter


def _is_valid(parameter: Parameter, value: str) -> bool:
    try:
        return all(check(value) for check in parameter.checks)
    except (ValueError, OverflowError):
        return False


def _rank(segment: Segment) -> tuple[int, int]:
    parameters = [part for part in segment if isinstance(part, Parameter)]
    checks = sum(len(parameter.checks) for parameter in parameters)
    if not parameters:
        return 0, 0
    kind = 3 if parameters[0].rest else 2 if len(segment) == 1 else 1
    return kind, -checks


def _segments(template: str) -> list[Segment]:
    if not template:
        return []
    segments: list[Segment] = [[]]
    position = 0
    while position < len(template):
        sign, twice = template[position], template[position : position + 2]
        if twice in ("{{", "}}"):
            _add_text(segments[-1], sign)
            position += 2
        elif sign == "{":
            end = _end_of_parameter(template, position + 1)
            if segments[-1] and isinstance(segments[-1][-1], Parameter):
                raise ValueError("two parameters have nothing between them")
            segments[-1].append(_parameter(template[position + 1 : end]))
            position = end + 1
        elif sign == "}":
            raise ValueError("a brace is closed that is not open")
        else:
            if sign == "/":
                segments.append([])
            else:
                _add_text(segments[-1], sign)
            position += 1
    if not all(segments):
        raise ValueError("a segment is empty")
    return segments


def _add_text(segment: Segment, text: str) -> None:
    if segment and isinstance(segment[-1], str):
        segment[-1] += text
    else:
        segment.append(text)


def _end_of_parameter(template: str, start: int) -> int:
    """Return the position of the closing brace. Braces in the parentheses of a constraint belong to the constraint."""
    depth = 0
    for end in range(start, len(template)):
        depth += {"(": 1, ")": -1}.get(template[end], 0)
        if template[end] == "}" and depth <= 0:
            return end
    raise ValueError("a brace is not closed")


def _parameter(text: str) -> Parameter:
    text = text.replace("{{", "{").replace("}}", "}")
    head, default = _split_outside_parentheses(text, "=")[:1][0], None
    if len(head) < len(text):
        default = text[len(head) + 1 :]
    optional = head.endswith("?")
    if (optional and default is not None) or (default or "").endswith("?"):
        raise ValueError(f"{text!r} is optional and has a default")
    stars, name, *constraints = re.match(r"\**", head)[0], *_split_outside_parentheses(head.removesuffix("?"), ":")  # type: ignore[index]
    name = name.removeprefix(stars)
    if not re.fullmatch(r"[^\W\d]\w*", name):
        raise ValueError(f"{name!r} is no name of a parameter")
    return Parameter(name, bool(stars), [parse_constraint(constraint) for constraint in constraints], optional, default)


def _split_outside_parentheses(text: str, sign: str) -> list[str]:
    parts, depth = [""], 0
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == sign and depth <= 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts
