(** What was carried, in a database in memory. *)

type entry = { camel : string; load : int; weight : string }

type t

val open_memory : unit -> t
val write : t -> entry -> unit

val read : t -> entry list
(** All entries, ordered by load. *)

val to_line : entry -> string
(** The entry as an S-expression. *)

val checksum : string -> int

val engine : unit -> string
(** The version of the database engine. *)
