"""What is passed between the rooms, and the table of steps. Imports nothing of the project."""
