"""A Functions + Durable host: it runs any Python v2-model app as Azure does, with history in SQLite and no account.

| folder or module | question it answers | may import |
|---|---|---|
| `protocol` | what do host and SDK say to each other? | nothing |
| `clock`, `threads`, `fault_points`, `report` | small things that all need | nothing |
| `storage/` | what does the host keep? | the modules above |
| `replay/` | what does an orchestrator decide? pure, and a pool that replays many | the modules above |
| `apps/` | what is in the app, and how is it called? | the modules above |
| `engine/` | what happens next? episodes, activities, entities, timers, commands | storage, replay, apps |
| `http/` | how are requests answered? routes and access keys | apps |
| `triggers/` | how does a timer, message, blob or event start a function? | engine, http, storage, apps |
| `management/` | how are runs started, watched and controlled over HTTP? | engine, http, storage, replay |
| `host` | how do these make one web application? | all above |
| `testing`, `command`, `watching`, `pytest_plugin` | how is a host started: in a test, by a person? | host |

Imports run upward in this table only. `storage`, `replay` and `apps` don't know each other; nor do `engine` and `http`,
nor `triggers` and `management`.
"""
