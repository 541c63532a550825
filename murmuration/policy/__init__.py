"""Pure decisions: no clock, no I/O. Given the same facts, the same answer."""
