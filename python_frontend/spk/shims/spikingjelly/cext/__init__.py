"""Stand-in for SpikingJelly's former CUDA extension."""
