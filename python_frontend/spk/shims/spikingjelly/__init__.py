"""Stand-in for SpikingJelly, found where it is not installed."""
