"""Stand-in for ``spikingjelly.clock_driven`` of SpikingJelly 0.0.0.0.12, which later versions lack."""
