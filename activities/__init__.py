"""The app's steps: one file a step, each safe to run twice."""
