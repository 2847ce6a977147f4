(* An OCaml program of its own: the way from town to town. *)

let () =
  let towns = [ "samarkand"; "bukhara"; "merv" ] in
  let rec walk total = function
    | from :: (next :: _ as rest) -> walk (total +. Geography.distance from next) rest
    | _ -> total
  in
  Printf.printf "%s: %.1f km\n" (String.concat " - " towns) (walk 0. towns)
