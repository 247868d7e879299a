"""PROCESS: streams to disk. Knows neither Qt nor PsychoPy, and outlives the window."""
