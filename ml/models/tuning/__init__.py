"""How a task tunes the encoder: one file a method, found by its name.

A new method is one module in ``methods`` with a subclass of :class:`ml.models.tuning.method.Method`
called ``METHOD``; the name of the module is the name of the method everywhere.
"""
