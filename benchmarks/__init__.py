"""Measurements, each as a ratio to a peer or a floor in the same run: absolute times belong to one machine."""
