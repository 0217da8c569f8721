"""The published Spikformer graphs in plain PyTorch."""
