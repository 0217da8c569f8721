"""A transformer with quantised activations that becomes a spiking one."""
