"""Steps as activity functions, and the steps that every app on this library has."""
