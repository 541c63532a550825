"""How a step runs as an activity function, and the steps that every app on this library has."""
