"""The offline model's skills: how a deterministic model acts our agents."""
