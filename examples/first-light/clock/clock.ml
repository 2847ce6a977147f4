type machine = { pointer_bits : int; big_endian : bool; cpu : string }

external machine : unit -> machine = "clock_machine"
external checksum : string -> int32 -> int32 = "clock_checksum"
external monotonic_ns : unit -> (int64[@unboxed]) = "clock_monotonic_byte" "clock_monotonic_native" [@@noalloc]
