"""Trainings, candidates, the gate, the registry of models."""
