long heavier(long load);
