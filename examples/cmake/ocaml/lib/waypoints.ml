(* What the C program calls, by name. *)

let sum upto =
  let part n = List.fold_left ( + ) 0 (List.filter (fun i -> i mod 4 = n) (List.init (upto + 1) Fun.id)) in
  List.init 4 (fun n -> Domain.spawn (fun () -> part n)) |> List.map Domain.join |> List.fold_left ( + ) 0

let () =
  Callback.register "distance" Geography.distance;
  Callback.register "sum" sum
