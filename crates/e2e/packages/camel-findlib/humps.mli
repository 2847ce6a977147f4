val total : int array -> int
