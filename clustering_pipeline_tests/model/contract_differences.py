"""Where ours differs from the contract's files, and why."""

PROMPT = "more would not fit a prompt, and stored definitions take no more either"
FAILED = "only failures make a trigger failed"
DEFINED = "the definition says how; these settings are shown, and none are needed"
SORTED = "records have no other order"
NOTHING = "no run is nothing to apply"
EMPTY = "an empty text would name nothing"
LENGTH = "a text of any length would be an attack"
SEED = "scikit-learn and NumPy take seeds of 32 bits"
SCIKIT = "scikit-learn takes nothing else, and would only say so in the middle of a run"
UMAP = "umap-learn takes nothing else, and would only say so in the middle of a run"
ENGINE = "the engine has no other, and would only say so in the middle of a run"
CLIENT = "the published client sends nothing else"
MEANING = "a value beyond has no meaning"
PAGE = "the contract's page, which comes first, says so"
STEP = "without its method a step cannot be told from another"

LAYOUTS = ("VectorBasedConfigInput", "PatchClusterRequest", "ExecuteClusterByIdRequest")
SEEDED = (
    "EVoCParams",
    "GaussianMixtureParams",
    "KMeansParams",
    "LeidenParams",
    "SpectralParams",
    "TSNEParams",
    "UMAPParams",
    "WeightLearningConfig",
)

# (model, field, aspect): why ours differs from the contract's files.
DIFFERENCES = {
    ("AgglomerativeParams", "affinity", "closed"): SCIKIT,
    ("AgglomerativeParams", "compute_full_tree", "closed"): SCIKIT,
    ("AgglomerativeParams", "linkage", "closed"): SCIKIT,
    ("ApplyClusterEnrichmentRequest", "clustering_ids", "min_length"): NOTHING,
    ("ApplyClusterEnrichmentRequest", "source_collection_id", "max_length"): LENGTH,
    ("ApplyClusterEnrichmentRequest", "source_collection_id", "min_length"): EMPTY,
    ("ApplyClusterEnrichmentRequest", "target_collection_id", "max_length"): LENGTH,
    ("ApplyClusterEnrichmentRequest", "target_collection_id", "min_length"): EMPTY,
    ("AttributeBasedConfig", "aggregation_method", "closed"): PAGE,
    ("CreateClusterRequest", "auto_execute_cooldown_seconds", "ge"): MEANING,
    ("CreateClusterRequest", "auto_execute_min_documents", "ge"): MEANING,
    ("CreateTriggerRequest", "cluster_id", "max_length"): LENGTH,
    ("CreateTriggerRequest", "description", "max_length"): LENGTH,
    ("CreateTriggerRequest", "status", "enum"): FAILED,
    ("DBSCANParams", "algorithm", "closed"): SCIKIT,
    ("DBSCANParams", "metric", "closed"): SCIKIT,
    ("EnrichmentFieldMapping", "target_field", "max_length"): LENGTH,
    ("ExecuteClusterByIdRequest", "mode", "closed"): PAGE,
    ("FaceClusterMergeConfig", "bbox_field", "min_length"): EMPTY,
    ("FaceClusterMergeConfig", "frame_field", "min_length"): EMPTY,
    ("FaceClusterMergeConfig", "scene_field", "min_length"): EMPTY,
    ("GaussianMixtureParams", "covariance_type", "closed"): SCIKIT,
    ("GaussianMixtureParams", "init_params", "closed"): SCIKIT,
    ("HDBSCANParams", "cluster_selection_method", "closed"): ENGINE,
    ("HDBSCANParams", "metric", "closed"): ENGINE,
    ("InputMapping", "input_key", "min_length"): EMPTY,
    ("InputMapping", "path", "min_length"): EMPTY,
    ("KMeansParams", "algorithm", "closed"): SCIKIT,
    ("KMeansParams", "init", "closed"): SCIKIT,
    ("LLMLabelingInput", "custom_prompt", "min_length"): EMPTY,
    ("LLMLabelingInput", "embedding_similarity_threshold", "ge"): PAGE,
    ("LLMLabelingInput", "max_samples_per_cluster", "default"): PAGE,
    ("LLMLabelingInput", "model_name", "max_length"): LENGTH,
    ("LLMLabelingInput", "model_name", "min_length"): EMPTY,
    ("LLMLabelingInput", "sample_selection_strategy", "closed"): PAGE,
    ("LeidenParams", "metric", "closed"): ENGINE,
    ("LeidenParams", "n_iterations", "ge"): MEANING,
    ("LeidenParams", "objective_function", "closed"): CLIENT,
    ("LeidenParams", "resolution", "gt"): MEANING,
    ("ListClusterExecutionsRequest", "search", "max_length"): LENGTH,
    ("ListClustersRequest", "search", "max_length"): LENGTH,
    ("ListTriggersRequest", "direction", "closed"): SORTED,
    ("ListTriggersRequest", "offset", "le"): PAGE,
    ("ListTriggersRequest", "sort_by", "closed"): SORTED,
    ("OPTICSParams", "algorithm", "closed"): SCIKIT,
    ("OPTICSParams", "cluster_method", "closed"): SCIKIT,
    ("OPTICSParams", "metric", "closed"): SCIKIT,
    ("OPTICSParams", "min_cluster_size", "gt"): MEANING,
    ("SortOption", "field", "max_length"): LENGTH,
    ("SortOption", "field", "min_length"): EMPTY,
    ("SpectralParams", "affinity", "closed"): SCIKIT,
    ("SpectralParams", "assign_labels", "closed"): SCIKIT,
    ("SpectralParams", "eigen_solver", "closed"): SCIKIT,
    ("TSNEParams", "learning_rate", "gt"): MEANING,
    ("TSNEParams", "perplexity", "gt"): MEANING,
    ("TriggerExecutionConfig", "config", "required"): DEFINED,
    ("TriggerHistoryRequest", "offset", "le"): PAGE,
    ("UMAPParams", "metric", "closed"): UMAP,
    ("UpdateTriggerRequest", "description", "max_length"): LENGTH,
    ("UpdateTriggerRequest", "status", "enum"): FAILED,
    ("VectorBasedConfigInput", "feature_extractor_name", "min_length"): EMPTY,
    ("VectorBasedConfigInput", "feature_uri", "min_length"): EMPTY,
    ("VectorBasedConfigInput", "output_name", "min_length"): EMPTY,
    ("VectorBasedConfigInput", "version", "min_length"): EMPTY,
    **{(model, "random_state", bound): SEED for model in SEEDED for bound in ("ge", "le")},
    **{(model, "layout_stability", "closed"): PAGE for model in LAYOUTS},
    **{(model, "sample_size", "ge"): MEANING for model in LAYOUTS},
    ("VectorBasedConfigInput", "vis_n_components", "closed"): CLIENT,
    ("ExecuteClusterByIdRequest", "vis_n_components", "closed"): CLIENT,
    **{
        (model, "method", aspect): STEP
        for model in ("TSNEParams", "UMAPParams", "WhiteningParams")
        for aspect in ("required", "default", "type", "closed")
    },
}
ONE_SHOT_DIFFERENCES = {
    ("ClusteringConfig", "batch_size", "ge"): MEANING,
    ("ClusteringConfig", "max_hierarchy_depth", "ge"): PAGE,
    ("ClusteringConfig", "max_hierarchy_depth", "le"): PAGE,
    ("ClusteringConfig", "parallelism", "ge"): MEANING,
    ("ClusteringConfig", "sample_size", "ge"): MEANING,
    ("ClusteringConfig", "sample_size", "le"): PAGE,
    ("ExecuteClusterRequest", "sample_size", "ge"): MEANING,
    ("ExecuteClusterRequest", "sample_size", "le"): PAGE,
    ("FeatureAddress", "extractor", "min_length"): EMPTY,
    ("FeatureAddress", "scheme", "min_length"): EMPTY,
    ("FeatureAddress", "version", "min_length"): EMPTY,
    ("FeatureVectorRef", "feature_address", "required"): PAGE,
    ("LLMLabeling", "custom_prompt", "min_length"): EMPTY,
    ("LLMLabeling", "max_samples_per_cluster", "ge"): MEANING,
    ("LLMLabeling", "max_samples_per_cluster", "le"): PROMPT,
    ("LLMLabeling", "model_name", "max_length"): LENGTH,
    ("LLMLabeling", "model_name", "min_length"): EMPTY,
    ("NoReduction", "method", "default"): STEP,
    ("NoReduction", "method", "required"): STEP,
    **{
        (model, "method", aspect): STEP
        for model in ("TSNEParams", "UMAPParams")
        for aspect in ("required", "default")
    },
    **{
        (model, "random_state", bound): SEED
        for model in ("TSNEParams", "UMAPParams")
        for bound in ("ge", "le")
    },
}
# The same of answers: what we say that the contract's files do not.
VIEW_DIFFERENCES = {
    ("ClusterExecutionCentroid", "cluster_id", "pattern"): PAGE,
    ("ClusterExecutionResult", "status", "enum"): PAGE,
    ("ClusterMetadata", "status", "enum"): PAGE,
    ("ClusterModel", "status", "enum"): PAGE,
    ("TaskResponse", "status", "enum"): PAGE,
}
