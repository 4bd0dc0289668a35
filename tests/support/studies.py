"""Simulated studies of which the truth is known."""

from math import sqrt

import numpy as np


def first(n, of=60):
    """The first ``n`` of the problems solved."""
    return np.arange(of) < n


def simulated(generator, runs, *, problems=164, conditions=4, base=-1.0, effect=0.0, seeds=0.3, samples=1):
    """Rates ``[conditions, runs, problems]``: problems differ in difficulty, runs in skill, the second condition by
    the effect (all on the logit scale)."""
    logits = generator.normal(base, 2, problems) + generator.normal(0, 0.5, (conditions, 1, problems))
    logits = logits + generator.normal(0, seeds, (conditions, runs, 1))
    logits[1] += effect
    return generator.binomial(samples, 1 / (1 + np.exp(-logits))) / samples


def true_rate(base, effect, seeds):
    """By Gauss and Hermite, over problems and seeds."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(101)
    logits = base + effect + sqrt(4 + 0.25 + seeds**2) * nodes
    return float((weights / weights.sum() / (1 + np.exp(-logits))).sum())
