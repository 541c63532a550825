"""The seeded simulation, in small, and the bugs that its checkers must find."""
