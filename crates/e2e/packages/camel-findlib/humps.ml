external total : int array -> int = "camel_total"
