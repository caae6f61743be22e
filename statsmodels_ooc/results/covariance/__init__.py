"""Robust covariances of parameters: a registry for each kind of model."""
