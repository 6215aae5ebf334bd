"""The jar that Rabix Composer takes for an executor; its one class is compiled from `executor/`."""
