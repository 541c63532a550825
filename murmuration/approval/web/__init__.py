"""The HTTP side of approval: the routes of links, their pages, and the list of gates for operators."""
