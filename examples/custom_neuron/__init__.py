"""A neuron of one's own."""
