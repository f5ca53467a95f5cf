"""Serving: the inference protocol, the engine, the registry and fakes. Never imports torch."""
