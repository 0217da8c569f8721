"""Published spiking transformers, one module per family."""
