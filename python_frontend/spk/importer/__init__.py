"""Import of PyTorch models: capture with ``torch.export``, translation of the ATen graph to the spk dialect."""

from spk.importer.api import ImportedModel, import_model, translate

__all__ = ["ImportedModel", "import_model", "translate"]
