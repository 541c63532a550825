"""Read documents into memory."""
