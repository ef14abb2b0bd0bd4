"""Series of trainings and measurements: sweeps, the architecture search, throughput."""
