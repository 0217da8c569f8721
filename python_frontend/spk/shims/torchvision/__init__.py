"""Stand-in for ``torchvision``, which model files import for pretrained weights, or for scripts that they are as well."""
