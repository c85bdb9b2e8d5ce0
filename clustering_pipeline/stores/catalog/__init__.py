from clustering_pipeline.stores.catalog.catalog import Catalog

__all__ = ["Catalog"]
