"""Route templates mean what they mean in ASP.NET Core."""

import pytest

from loopback.functions.http.routes import Route


@pytest.mark.parametrize(
    ("template", "path", "parameters"),
    [
        ("", "/api", {}),
        ("a/b", "/api/a/b", {}),
        ("a/b", "/API/A/B/", {}),
        ("a/b", "/api/a/b/c", None),
        ("a/b", "/api/a", None),
        ("a.b", "/api/axb", None),
        ("/a/", "/api/a", {}),
        ("{x}", "/api/1", {"x": "1"}),
        ("{x}", "/api", None),
        ("{x}", "/api/1/2", None),
        ("{x}/{y}", "/api/1/2", {"x": "1", "y": "2"}),
        ("a{x}b", "/api/a1b", {"x": "1"}),
        ("a{x}b", "/api/ab", None),
        ("{name}.{ext}", "/api/a.tar.gz", {"name": "a.tar", "ext": "gz"}),
        ("{from}-{to}", "/api/1-2", {"from": "1", "to": "2"}),
        ("{x?}", "/api", {}),
        ("{x?}", "/api/1", {"x": "1"}),
        ("{x:int?}", "/api", {}),
        ("{x:int?}", "/api/1", {"x": "1"}),
        ("{x:int?}", "/api/one", None),
        ("{x}/{y?}", "/api/1", {"x": "1"}),
        ("{x=5}", "/api", {"x": "5"}),
        ("{x=5}", "/api/6", {"x": "6"}),
        ("{x:int=5}", "/api/six", None),
        ("{*rest}", "/api", {}),
        ("{*rest}", "/api/a/b c/d", {"rest": "a/b c/d"}),
        ("{**rest}", "/api/a/b", {"rest": "a/b"}),
        ("a/{*rest}", "/api/a", {}),
        ("a/{*rest}", "/api/ab", None),
        ("{x:int:min(2)}", "/api/2", {"x": "2"}),
        ("{x:int:min(2)}", "/api/1", None),
    ],
)
def test_a_template_matches(template: str, path: str, parameters: dict[str, str] | None) -> None:
    assert Route("api", template).match(path) == parameters


@pytest.mark.parametrize(
    ("constraint", "good", "bad"),
    [
        ("int", ["0", "-12", "+3", "2147483647"], ["x", "1.5", "2147483648", ""]),
        ("long", ["9223372036854775807"], ["9223372036854775808", "1e3"]),
        ("bool", ["true", "FALSE"], ["1", "yes"]),
        ("guid", ["CD2C1638-1638-72D5-1638-DEADBEEF1638", "cd2c1638163872d51638deadbeef1638"], ["cd2c1638", "x" * 36]),
        ("alpha", ["Rick"], ["R2D2", "ab-c"]),
        ("decimal", ["49.99", "-1", ".5"], ["abc", "1.2.3"]),
        ("double", ["1.234", "-1e3"], ["1.2.3", "x"]),
        ("float", ["1.234"], ["x"]),
        ("datetime", ["2016-12-31", "2016-12-31T07:32:00"], ["yesterday", "2016-13-01"]),
        ("required", ["x"], []),
        ("length(12)", ["somefile.txt"], ["short.txt"]),
        ("length(2,4)", ["ab", "abcd"], ["a", "abcde"]),
        ("minlength(4)", ["Rick"], ["Ric"]),
        ("maxlength(3)", ["Ric"], ["Rick"]),
        ("min(18)", ["18", "19"], ["17", "many"]),
        ("max(120)", ["120", "-1"], ["121", "few"]),
        ("range(18,120)", ["18", "91", "120"], ["17", "121"]),
        ("range(-5,-1)", ["-3"], ["0"]),
        ("regex(^[a-c]+$)", ["abc", "ABC"], ["abd"]),
        ("regex((north|south))", ["north", "southern"], ["east"]),
        ("INT", ["1"], ["x"]),
    ],
)
def test_a_constraint_accepts_good_values_alone(constraint: str, good: list[str], bad: list[str]) -> None:
    route = Route("", f"{{x:{constraint}}}")

    assert [value for value in good if route.match(f"/{value}") is None] == []
    assert [value for value in bad if route.match(f"/{value}")] == []


@pytest.mark.parametrize(
    ("constraint", "good", "bad"),
    [
        (r"regex(^\d{{3}}-\d{{2}}$)", ["123-45"], ["1-45"]),
        (r"regex(^ab?c$)", ["ac", "abc"], ["abbc"]),
        (r"regex(^k=v$)", ["k=v"], ["k"]),
        ("double", ["1,234.5"], ["1_000"]),
        ("guid", ["{cd2c1638-1638-72d5-1638-deadbeef1638}"], ["urn:uuid:cd2c1638-1638-72d5-1638-deadbeef1638"]),
        ("datetime", ["12-31-2016", "2016-12-31 7:32pm"], ["2016-W01"]),
        ("int", ["1"], ["١"]),
    ],
)
def test_a_constraint_means_what_it_means_in_net(constraint: str, good: list[str], bad: list[str]) -> None:
    test_a_constraint_accepts_good_values_alone(constraint, good, bad)


@pytest.mark.parametrize(
    "template",
    [
        "{",
        "}",
        "a/{x",
        "a/x}",
        "{}",
        "{x y}",
        "{x}/{x}",
        "{x}/{X}",
        "{x:unknown}",
        "{x:min(a)}",
        "{x:range(1)}",
        "{x:length(a)}",
        "{x:regex([)}",
        "{*rest}/more",
        "{x}{y}",
        "{x?}.txt",
        "{x=1?}",
        "a//b",
    ],
)
def test_a_malformed_template_is_quoted(template: str) -> None:
    with pytest.raises(ValueError, match="the route") as refused:
        Route("api", template)

    assert repr(template.strip("/")) in str(refused.value)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a/b", "a/{x}"),
        ("a/{x:int}", "a/{x}"),
        ("a/{x}", "a/{*x}"),
        ("a/b/{x}", "a/{y}/c"),
        ("{x:int}/b", "{x}/b"),
        ("a/{*x:int}", "a/{*x}"),
        ("a/{x:int:min(1)}", "a/{x:int}"),
        ("a/v{x}", "a/{x}"),
    ],
)
def test_the_more_exact_of_two_routes_comes_first(first: str, second: str) -> None:
    assert Route("", first).rank < Route("", second).rank


def test_a_prefix_may_be_empty_or_have_parts() -> None:
    assert Route("", "a").match("/a") == {}
    assert Route("v1/api", "a").match("/v1/api/a") == {}
    assert Route("v1.api", "a").match("/v1xapi/a") is None
