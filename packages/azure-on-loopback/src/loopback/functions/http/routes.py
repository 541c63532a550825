"""Route templates of HTTP triggers: `a/{b}`, `{b?}`, `{b=x}`, `{b:int:min(1)}`, `file.{ext}`, `{*rest}`."""

import re
from dataclasses import dataclass

from loopback.functions.http.constraints import Check, check_of


@dataclass(frozen=True)
class Parameter:
    name: str
    rest: bool
    """It takes all segments that are left."""
    checks: list[Check]
    optional: bool
    default: str | None


Segment = list[str | Parameter]


class Route:
    """A template below a prefix. Matching takes no notice of case."""

    def __init__(self, prefix: str, template: str) -> None:
        """Raises `ValueError` that quotes a template that can't be understood."""
        self.template = template.strip("/")
        self._parameters: dict[str, Parameter] = {}
        try:
            segments = _segments(self.template)
            expression = re.escape(f"/{prefix}") if prefix else ""
            expression += "".join(self._expression_of(segment, last=segment is segments[-1]) for segment in segments)
        except ValueError as error:
            raise ValueError(f"the route {self.template!r} can't be used: {error}") from error
        self.rank = [_rank(segment) for segment in segments]
        """More exact routes have lower ranks."""
        self._expression = re.compile(expression + "/?", re.IGNORECASE)

    def match(self, path: str) -> dict[str, str] | None:
        """The parameters of a path; None when it is not one of this route."""
        found = self._expression.fullmatch(path)
        if found is None:
            return None
        given = {name: value for name, value in found.groupdict().items() if value}
        if not all(_does(self._parameters[name], value) for name, value in given.items()):
            return None
        defaults = {
            name: parameter.default for name, parameter in self._parameters.items() if parameter.default is not None
        }
        return {**defaults, **given}

    def _expression_of(self, segment: Segment, *, last: bool) -> str:
        expression, before = "", ""
        whole = len(segment) == 1
        for part in segment:
            if isinstance(part, str):
                expression, before = expression + re.escape(part), part
                continue
            self._add(part)
            if part.rest and not (whole and last):
                raise ValueError(f"{part.name!r} takes all that is left, and is not the end")
            value = f"(?P<{part.name}>{'.*' if part.rest else '[^/]+'})"
            if part.optional and not whole:
                if part is not segment[-1] or not before.endswith("."):
                    raise ValueError(f"{part.name!r} is optional, with text about it")
                expression = expression.removesuffix(re.escape(".")) + f"(?:{re.escape('.')}{value})?"
            else:
                expression += value
        only = segment[0]
        may_lack = whole and isinstance(only, Parameter) and (only.optional or only.rest or only.default is not None)
        return f"(?:/{expression})?" if may_lack else f"/{expression}"

    def _add(self, parameter: Parameter) -> None:
        if parameter.name.casefold() in {name.casefold() for name in self._parameters}:
            raise ValueError(f"{parameter.name!r} is there twice")
        self._parameters[parameter.name] = parameter


def _does(parameter: Parameter, value: str) -> bool:
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
    place = 0
    while place < len(template):
        sign, twice = template[place], template[place : place + 2]
        if twice in ("{{", "}}"):
            _add_text(segments[-1], sign)
            place += 2
        elif sign == "{":
            end = _end_of_parameter(template, place + 1)
            if segments[-1] and isinstance(segments[-1][-1], Parameter):
                raise ValueError("two parameters have nothing between them")
            segments[-1].append(_parameter(template[place + 1 : end]))
            place = end + 1
        elif sign == "}":
            raise ValueError("a brace is closed that is not open")
        else:
            if sign == "/":
                segments.append([])
            else:
                _add_text(segments[-1], sign)
            place += 1
    if not all(segments):
        raise ValueError("a segment is empty")
    return segments


def _add_text(segment: Segment, text: str) -> None:
    if segment and isinstance(segment[-1], str):
        segment[-1] += text
    else:
        segment.append(text)


def _end_of_parameter(template: str, place: int) -> int:
    """Where the brace closes; those within the parentheses of a constraint belong to it."""
    depth = 0
    for end in range(place, len(template)):
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
    stars, name, *checks = re.match(r"\**", head)[0], *_split_outside_parentheses(head.removesuffix("?"), ":")  # type: ignore[index]
    name = name.removeprefix(stars)
    if not re.fullmatch(r"[^\W\d]\w*", name):
        raise ValueError(f"{name!r} is no name of a parameter")
    return Parameter(name, bool(stars), [check_of(check) for check in checks], optional, default)


def _split_outside_parentheses(text: str, sign: str) -> list[str]:
    parts, depth = [""], 0
    for each in text:
        depth += {"(": 1, ")": -1}.get(each, 0)
        if each == sign and depth <= 0:
            parts.append("")
        else:
            parts[-1] += each
    return parts
