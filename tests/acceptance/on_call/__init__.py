"""On-call staff: what fails is found, told and mended, with real processes, and nobody pays twice."""
