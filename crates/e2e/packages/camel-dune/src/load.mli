(** Pounds in so many kilograms, rounded down; C counts. *)
val pounds : int -> int

(** The machine that the C compiler compiled for. *)
val machine : unit -> string
