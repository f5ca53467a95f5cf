"""Metrics, calibration and thresholds; numpy only."""
