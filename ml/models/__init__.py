"""Trainable modules (torch): text classifier, token tagger, sentence encoder."""
