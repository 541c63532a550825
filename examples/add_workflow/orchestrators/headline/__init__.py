"""Write a headline that is short enough."""
