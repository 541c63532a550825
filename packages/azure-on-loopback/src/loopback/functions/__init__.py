"""A Functions + Durable host: runs any Python v2-model app as Azure does, history in SQLite, no account.

`protocol` is the wire between host and SDK, `replay` decides (pure), `store` keeps, `instances` changes what is
kept, `engine` moves work, `app` loads the functions, `http_functions` and `management` serve them.
"""
