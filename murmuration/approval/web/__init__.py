"""The HTTP side of approval: signed links, the page, and the list of gates for operators."""
