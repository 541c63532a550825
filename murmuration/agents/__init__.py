"""How each agent is asked: one Markdown file an agent, with TOML front matter between two lines of `+++`."""
