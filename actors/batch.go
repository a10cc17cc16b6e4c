package actors

// batchCap is the capacity for a new batch: what the last one took, which load changes slowly, or what is there
// already. It spares the copies of growing step by step.
func batchCap(last, now int) int { return max(min(last, maxBatchCap), now) }

// maxBatchCap keeps one burst from making all later batches large.
const maxBatchCap = 1024
