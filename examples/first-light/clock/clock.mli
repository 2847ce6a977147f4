(** What C says of the machine the program runs on. *)

type machine = { pointer_bits : int; big_endian : bool; cpu : string }

(** The machine as the C compiler knew it. *)
val machine : unit -> machine

(** [checksum text seed] is FNV-1a, 32 bits. *)
val checksum : string -> int32 -> int32

(** Nanoseconds of a clock that never goes back. *)
val monotonic_ns : unit -> int64
