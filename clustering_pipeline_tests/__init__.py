from clustering_pipeline.garbage import collect_rarely

collect_rarely()
