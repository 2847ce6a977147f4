external fold : (float -> int64 -> float) -> float -> int64 array -> float = "sums_fold"
