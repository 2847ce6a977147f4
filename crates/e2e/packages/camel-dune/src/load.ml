external pounds : int -> int = "camel_pounds"
external machine : unit -> string = "camel_machine"
