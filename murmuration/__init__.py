"""Durable multi-agent workflows on Azure Functions: the library that the app is made of."""
