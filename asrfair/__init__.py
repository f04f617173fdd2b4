"""asrfair: whom a speech recogniser serves worse, by how much, and how sure one can be.

In Python::

    import asrfair

    if __name__ == "__main__":                      # worker processes are spawned
        results = asrfair.evaluate("plan.toml")     # or an asrfair.Plan
        print(results.rates)                        # Polars tables, see asrfair.tables
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Plan", "Results", "evaluate"]

if TYPE_CHECKING:
    from asrfair.results import Results
    from asrfair.run.evaluate import evaluate
    from asrfair.run.plan import Plan


def __getattr__(name: str) -> Any:
    # Lazy, so that the command line answers at once.
    if name == "evaluate":
        from asrfair.run.evaluate import evaluate

        return evaluate
    if name == "Plan":
        from asrfair.run.plan import Plan

        return Plan
    if name == "Results":
        from asrfair.results import Results

        return Results
    raise AttributeError(f"module 'asrfair' has no attribute {name!r}")
