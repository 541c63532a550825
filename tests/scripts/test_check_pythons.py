"""The other Pythons to check are those that the project says it supports, and those alone that are there."""

import sys

from scripts.check_pythons import find, supported


def test_the_supported_versions_are_read_from_the_project() -> None:
    assert supported() == [(3, 11), (3, 12), (3, 13)]


def test_a_version_that_is_not_there_is_not_found() -> None:
    assert find((3, 99)) is None


def test_an_interpreter_is_found_by_its_version() -> None:
    python = find((sys.version_info.major, sys.version_info.minor))

    assert python is None or python.exists()
