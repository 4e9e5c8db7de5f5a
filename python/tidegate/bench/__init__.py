"""Measure tidegate beside the frameworks: `tidegate bench --help`.

scaling → suites → case → problem   what is measured, and its arrays
engines/                     one adapter per engine: prepare a case, run it
worker ⇄ process → runner    an engine in its own process; checked, then timed in rounds
check                        an engine's result beside tidegate's
probes → limits              what the silicon gives, and the least time of a case
memory                       peak memory, in a process per engine and case
schedules → schedule_table   the engine's choice of a schedule beside its alternatives
machine, report → summary, baseline, table, picture, scaling_picture
command → session, progress  the options, and a run of the chosen cases
"""
