(* Writes an OCaml module with the primes below its argument. Run by a rule of ../geometry, on the build machine. *)

let sieve limit =
  let composite = Array.make limit false in
  let rec mark step at = if at < limit then (composite.(at) <- true; mark step (at + step)) in
  List.filter
    (fun n -> if composite.(n) then false else (mark n (n * n); true))
    (List.init (limit - 2) (fun n -> n + 2))

let () =
  let limit = int_of_string Sys.argv.(1) in
  Printf.printf "let made_by = %S\n" (Filename.basename Sys.executable_name);
  Printf.printf "let limit = %d\n" limit;
  Printf.printf "let primes = [| %s |]\n" (String.concat "; " (List.map string_of_int (sieve limit)))
