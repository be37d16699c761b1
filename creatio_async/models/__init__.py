"""Classes for rows: what ``creatio-async models`` writes, and what is written by hand."""

from creatio_async.models.base import UNSET, Model, ModelWith, column
from creatio_async.models.columns import AnyColumns, ColumnOf, Columns, ManyOf, columns

__all__ = [
    "UNSET",
    "AnyColumns",
    "ColumnOf",
    "Columns",
    "ManyOf",
    "Model",
    "ModelWith",
    "column",
    "columns",
]
