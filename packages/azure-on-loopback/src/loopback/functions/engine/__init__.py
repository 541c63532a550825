"""Instances and entities: episodes, events, and what people do to them."""
