"""Runs the zkcli suite: importing a module registers its tests."""

import harness
import oneshot  # noqa: F401
import nodes  # noqa: F401
import quotas  # noqa: F401
import security  # noqa: F401
import watching  # noqa: F401

# Each test starts one or more JVMs, so two at a time keep two cores busy.
harness.run("zkcli", parallel=2)
