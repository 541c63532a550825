"""Activities that go wrong."""
