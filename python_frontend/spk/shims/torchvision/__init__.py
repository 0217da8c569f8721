"""Stand-in for ``torchvision``, of which SpikingJelly's residual networks import the download of pretrained weights."""
