"""Where ``timm.models.layers`` went to."""

from timm.models.layers import DropPath, to_2tuple, trunc_normal_

__all__ = ["DropPath", "to_2tuple", "trunc_normal_"]
