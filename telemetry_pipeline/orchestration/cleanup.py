"""The daily clean-up: what nobody asks for goes."""

# Annotations are values here: Dagster reads the types of an op's arguments from them.
import dagster as dg

from telemetry_pipeline.analyses.registry import all_analyses
from telemetry_pipeline.orchestration.resources import Warehouse
from telemetry_pipeline.warehouse import results

CLEANUP = "telemetry_cleanup"


def build_cleanup(retention_days: int) -> dg.JobDefinition:
    """A job that deletes the results which nobody wanted for so many days."""

    @dg.op
    def delete_unwanted_results(context: dg.OpExecutionContext, warehouse: dg.ResourceParam[Warehouse]) -> None:
        """Delete results that nobody wanted for RESULT_RETENTION_DAYS, but the newest of each partition."""
        tables = {name: analysis.table for name, analysis in all_analyses().items()}
        with warehouse.engine.begin() as connection:
            deleted = results.delete_unwanted(connection, tables, retention_days)
        context.add_output_metadata({"results_deleted": deleted, "retention_days": retention_days})

    @dg.job(name=CLEANUP, description="Delete stored results that nobody asked for in a long time.")
    def cleanup() -> None:
        delete_unwanted_results()

    return cleanup
