"""Pure decisions: no clock, no I/O. The same input gives the same answer."""
