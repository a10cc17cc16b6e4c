"""Runs the kazoo suite: importing a module registers its tests."""

import logging
import warnings

import harness
import basics  # noqa: F401
import chaos  # noqa: F401
import locks  # noqa: F401
import recipes  # noqa: F401
import sessions  # noqa: F401
import systems_data  # noqa: F401
import systems_ha  # noqa: F401
import watchers  # noqa: F401

logging.disable(logging.CRITICAL)
warnings.simplefilter("ignore")
harness.run("kazoo", parallel=6)
