external litres : int -> int = "camel_water_litres"

let () = Printf.printf "two humps drink %d litres\n" (litres 2)
