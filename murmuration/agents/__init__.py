"""The agents: one Markdown file an agent, with TOML front matter between two lines of `+++`."""
