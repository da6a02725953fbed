"""The version of heaven-core, heaven-templating and heaven-testing, written here and nowhere else."""

__version__ = '3.0.0'
