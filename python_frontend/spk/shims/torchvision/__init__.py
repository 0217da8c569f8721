"""Stand-in for ``torchvision``, which model files import for scripts that they are as well."""
