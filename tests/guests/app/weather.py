"""Temperatures of cities: what all three agents ask for, and the contracts of their workflows."""

from murmuration.contracts.base import Contract

TEMPERATURES = {"Bern": 12.0, "Lima": 19.0, "Oslo": 4.0, "Rome": 31.0}
FIRST = ("Oslo", "Rome", "Lima")
"""The cities that are asked for at once; the fourth depends on them."""


class Question(Contract):
    text: str


class Report(Contract):
    """The hottest city, and the temperature that the agent was told of each."""

    hottest: str
    temperatures: dict[str, float]


def hottest(temperatures: dict[str, float]) -> str:
    return max(temperatures, key=lambda city: temperatures[city])
